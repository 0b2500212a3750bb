"""Where a job's artifacts of other fingerprints can be, and for which jobs that can be told at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.recipe import Recipe, recipe
from beam_jobs.contract.address import Address, local_path
from beam_jobs.contract.fingerprint import LENGTH

_FINGERPRINT = re.compile(rf"[0-9a-f]{{{LENGTH}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OldLayout:
    """How the addresses of one job differ from one fingerprint to the next.

    :param head: URI up to the fingerprint.
    :param tail: from behind the fingerprint to the item, with at least one ``/``.
    :param current: the fingerprint that is kept.
    :param suffix: what follows the item.
    :param any_extension: whether an older artifact may end otherwise, as ``.wav`` does for ``.flac``.
    :param splits: files of items' children lie beside the artifacts, and may end in any way.
    """

    job: str
    head: str
    tail: str
    current: str
    suffix: str
    any_extension: bool
    splits: bool = False

    def fingerprint_of(self, folder: str) -> str | None:
        """Return the old fingerprint whose folder this is; None for the current one and for all else.

        :param folder: URI from the root to the first ``/`` behind the head.
        """
        ending = self.tail[: self.tail.index("/") + 1]
        middle = folder[len(self.head) : len(folder) - len(ending)]
        if folder != f"{self.head}{middle}{ending}" or not _FINGERPRINT.fullmatch(middle):
            return None
        return None if middle == self.current else middle

    def prefix(self, fingerprint: str) -> str:
        """Return the prefix of the artifacts that an older recipe made."""
        return f"{self.head}{fingerprint}{self.tail}"


def old_layouts(graph: JobGraph, jobs: Iterable[str]) -> tuple[list[OldLayout], dict[str, str]]:
    """Return the layouts of ``jobs``, and for those that must be left alone the reason.

    :raises RegistryError: when a step or its params are wrong, so that nothing is known to be current.
    """
    recipes = {name: recipe(graph, name) for name in graph.order}
    faults = {name: _fault(made, recipes.values()) for name, made in recipes.items() if name in set(jobs)}
    layouts = [_layout(recipes[name]) for name, fault in faults.items() if fault is None]
    return layouts, {name: fault for name, fault in faults.items() if fault is not None}


def kept_addresses(graph: JobGraph) -> list[Address]:
    """Return where what must stay is: every job's current artifacts, and the catalog's own files."""
    recipes = [recipe(graph, name) for name in graph.order]
    current = [made.address for made in recipes]
    children = [made.child_address for made in recipes if made.child_address is not None]
    return [*current, *children, Address.parse(graph.source, root=graph.root)]


def bare(uri: str) -> str:
    """Return a local address without its scheme, which may be written or not."""
    local = local_path(uri)
    return uri if local is None else local


def _layout(made: Recipe) -> OldLayout:
    head, prefix = made.listing_prefix, made.address.prefix
    return OldLayout(
        job=made.job.name,
        head=head,
        tail=prefix[len(head) + LENGTH :],
        current=made.fingerprint,
        suffix=made.address.suffix,
        any_extension="{suffix}" in made.job.output_template,
        splits=made.child_address is not None,
    )


def _fault(made: Recipe, others: Iterable[Recipe]) -> str | None:
    return next(_faults(made, list(others)), None)


def _faults(made: Recipe, others: Sequence[Recipe]) -> Iterator[str]:
    template = made.job.output_template
    if "{fingerprint}" not in template:
        yield (
            f"its output {template!r} has no {{fingerprint}}, so old and current artifacts have one address "
            "and nothing tells them apart"
        )
        return
    before, _, after = template.partition("{item}")
    if before.count("{fingerprint}") != 1 or "{fingerprint}" in after or "/" not in _behind(before):
        yield f"its output {template!r} does not have {{fingerprint}} once, in a folder before {{item}}"
        return
    root = bare(made.graph.root).rstrip("/")
    path = bare(made.listing_prefix)
    inside = path.removeprefix(f"{root}/")
    if inside == path or {".", ".."}.intersection(path.split("/")):
        yield f"its output {template!r} lies outside the root {made.graph.root!r}; remove those by hand"
        return
    if inside.startswith("_") and "/" in inside:
        yield f"its output {template!r} lies among the root's own folders, whose names begin with '_'"
        return
    for other in others:
        if other.job.name != made.job.name and _shape(other) == _shape(made):
            yield (
                f"it shares its folders with {other.job.name!r}, so nothing tells their old artifacts apart; "
                "put {job} into the output of both"
            )


def _behind(before: str) -> str:
    return before.partition("{fingerprint}")[2]


def _shape(made: Recipe) -> tuple[str, str]:
    """Return an address without its fingerprint and its suffix, which an older recipe may have changed."""
    head = made.listing_prefix
    return bare(head), made.address.prefix[len(head) + LENGTH :]
