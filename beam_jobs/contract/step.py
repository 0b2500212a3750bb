"""What a step is: code for one item, and the light facts that a plan needs of it.

The facts (name, version, suffix, parameters, inputs) are read by Airflow, where no codec is
installed, so a step's module keeps its heavy imports inside the function.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from beam_jobs.contract.errors import StepNotFound

AUDIO_SUFFIXES = (
    ".aac", ".aif", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mka", ".mp3", ".mp4",
    ".oga", ".ogg", ".opus", ".wav", ".webm", ".wma",
)  # fmt: skip
IMAGE_SUFFIXES = (
    ".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".jp2", ".png", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
VIDEO_SUFFIXES = (
    ".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm", ".wmv",
)  # fmt: skip


class StepParams(BaseModel):
    """Base of every step's parameters: unknown keys are errors, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInput:
    """One thing a step reads per item.

    :param name: what the step calls it (``audio``).
    :param suffixes: what a parent's artifact may end with; empty accepts anything.
    """

    name: str
    suffixes: tuple[str, ...] = ()

    def accepts(self, suffix: str) -> bool:
        """Tell whether an object that ends with ``suffix`` can be this input ("" = not known)."""
        return not self.suffixes or not suffix or suffix.lower() in self.suffixes


AUDIO = StepInput(name="audio", suffixes=AUDIO_SUFFIXES)
IMAGE = StepInput(name="image", suffixes=IMAGE_SUFFIXES)
VIDEO = StepInput(name="video", suffixes=VIDEO_SUFFIXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The facts of a step and its code.

    :param name: identifier, part of the fingerprint.
    :param version: raise it when the same input and params give another result.
    :param makes: suffix of the artifact with its dot, or a function of the params that gives it.
    :param takes: the inputs, in the order in which a job's ``needs`` fill them.
    :param params: the model of the parameters.
    :param run: ``run(call, params) -> result``; see :class:`beam_jobs.media.call.StepCall`.
    :param transform: instead of ``run``: ``transform(params) -> beam.PTransform`` over
        ``(item, {input name: uri})`` pairs that gives ``(item, result)`` pairs.
    :param inference: ``run`` writes what a model is shown, an ``.npy`` file of rows at ``call.output``, and
        ``params`` is a :class:`beam_jobs.media.model_params.ModelParams`: Beam's RunInference then runs that
        model over the rows, and its answers become the artifact.
    :param warm_up: called once per worker process before its first item.
    :param result: model of the JSON artifact; its JSON Schema is published with the step.
    :param children: for a step that makes many items of one: the suffix of a child's file, or a function of
        the params that gives it. The artifact is then the index of the children, see
        :meth:`beam_jobs.media.call.StepCall.child`.
    """

    name: str
    version: str
    makes: str | Callable[[Any], str]
    takes: tuple[StepInput, ...] = (AUDIO,)
    params: type[BaseModel] = StepParams
    run: Callable[[Any, Any], Any] | None = None
    transform: Callable[[Any], Any] | None = None
    inference: bool = False
    warm_up: Callable[[], None] | None = None
    result: type[BaseModel] | None = None
    children: str | Callable[[Any], str] | None = None
    doc: str = field(default="", compare=False)

    def suffix(self, params: BaseModel) -> str:
        """Return the suffix of the artifacts made with ``params``."""
        return self.makes if isinstance(self.makes, str) else self.makes(params)

    @property
    def is_by_itself(self) -> bool:
        """Tell whether ``run`` alone makes the artifact, so that it can be done wherever an item is."""
        return not self.by_beam

    @property
    def by_beam(self) -> str:
        """What it is that needs a pipeline of its own, as in "the step is a PTransform"; "" for nothing."""
        if self.transform is not None:
            return "is a PTransform"
        return "runs a model" if self.inference else ""

    def child_suffix(self, params: BaseModel) -> str | None:
        """Return the suffix of the children's files, or None when the step makes one artifact per item."""
        return self.children(params) if callable(self.children) else self.children

    def parse_params(self, values: Mapping[str, Any]) -> BaseModel:
        """Return ``values`` as this step's params; raises pydantic.ValidationError."""
        return self.params.model_validate(dict(values))


def step(
    name: str,
    *,
    version: str,
    makes: str | Callable[[Any], str],
    takes: tuple[StepInput, ...] = (AUDIO,),
    params: type[BaseModel] = StepParams,
    warm_up: Callable[[], None] | None = None,
    result: type[BaseModel] | None = None,
    children: str | Callable[[Any], str] | None = None,
    inference: bool = False,
) -> Callable[[Callable[[Any, Any], Any]], Step]:
    """Make a :class:`Step` of a function ``run(call, params)``; the parameters are Step's own."""

    def wrap(run: Callable[[Any, Any], Any]) -> Step:
        doc = run.__doc__ or ""
        return Step(
            name=name, version=version, makes=makes, takes=takes, params=params,
            run=run, inference=inference, warm_up=warm_up, result=result, children=children, doc=doc,
        )  # fmt: skip

    return wrap


def load_step(reference: str) -> Step:
    """Find a step: a built-in name (``downsample``) or ``package.module:attribute``.

    :raises StepNotFound: says which module or attribute is missing, and for a misspelt built-in
        which one is nearest.
    """
    module_name, colon, attribute = reference.partition(":")
    if not colon:
        module_name, attribute = f"beam_jobs.steps.{reference}", reference
        if not reference.isidentifier():
            raise StepNotFound(_unknown_builtin(reference))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not colon and error.name == module_name:
            raise StepNotFound(_unknown_builtin(reference)) from None
        raise StepNotFound(
            f"step {reference!r}: cannot import {module_name!r} ({error}); "
            "install the package that holds it where this runs"
        ) from error
    except Exception as error:
        raise StepNotFound(f"step {reference!r}: importing {module_name!r} raised {error!r}") from error
    found = getattr(module, attribute, None)
    if not isinstance(found, Step):
        what = "has no such name" if found is None else f"holds a {type(found).__name__} there"
        raise StepNotFound(
            f"step {reference!r}: module {module_name!r} {what}; "
            "name a function decorated with @beam_jobs.contract.step.step"
        )
    return found


def builtin_steps() -> list[str]:
    """Return the names of the steps that ship with this package."""
    import pkgutil

    package = importlib.import_module("beam_jobs.steps")  # by name: the contract stands below the steps
    modules = pkgutil.iter_modules(package.__path__)
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def _unknown_builtin(reference: str) -> str:
    import difflib

    names = builtin_steps()
    near = difflib.get_close_matches(reference, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"built-in steps: {', '.join(names)}"
    return f"step {reference!r} is not a built-in step; {hint} A step of your own is 'package.module:name'"
