"""Reading a registry, from YAML or Python; quick, for it happens each time a DAG file is parsed.

No step is imported here: what needs the steps' facts is checked by
:func:`airflow_media_provider.registry.validate.validate_registry`.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_media_provider.errors import Fault, RegistryError
from airflow_media_provider.registry.build import Built, build
from airflow_media_provider.registry.document import Document, read_document
from airflow_media_provider.registry.model import JobGraph
from airflow_media_provider.registry.schema import OVERLAY_KEYS, unknown
from beam_jobs.contract.address import local_path

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def load_registry(path: str | os.PathLike[str], *, overlay: str | None = None) -> JobGraph:
    """Read a registry.

    :param path: a YAML file, or ``package.module:NAME`` for one made with :func:`media_registry`.
    :param overlay: what to lay upon a YAML file: a name among its ``overlays``, or another file.
    :raises RegistryError: with every fault, each with file and line.
    """
    path = os.fspath(path)
    if _DOTTED.fullmatch(path) and not path.endswith((".yaml", ".yml")):
        return _load_python(path, overlay)
    built = read_yaml(path, overlay=overlay)
    if built.graph is None:
        raise RegistryError(built.faults)
    return built.graph


def media_registry(
    *,
    root: str,
    source: str,
    jobs: Mapping[str, Mapping[str, Any]],
    name: str = "media",
    defaults: Mapping[str, Any] | None = None,
    uploads: Mapping[str, Any] | None = None,
    partitions: Mapping[str, Any] | None = None,
    groups: Mapping[str, Mapping[str, Any]] | None = None,
) -> JobGraph:
    """Make a registry in Python.

    :param root: URI or absolute path under which artifacts, manifests and reports live.
    :param source: address of the catalog's files with ``{item}``.
    :param jobs: job name -> the same keys and values as in YAML.
    :param name: short name, used in DAG ids and asset names.
    :param defaults: as in YAML.
    :param uploads: as in YAML.
    :param partitions: as in YAML.
    :param groups: as in YAML.
    :raises RegistryError: with every fault, at the line of this call.
    """
    frame = sys._getframe(1)
    value: dict[str, Any] = {"version": 1, "name": name, "root": root, "source": {"uri": source}}
    value["jobs"] = {job: dict(entry) for job, entry in jobs.items()}
    if defaults is not None:
        value["defaults"] = dict(defaults)
    if uploads is not None:
        value["uploads"] = dict(uploads)
    if partitions is not None:
        value["partitions"] = dict(partitions)
    if groups is not None:
        value["groups"] = {group: dict(entry) for group, entry in groups.items()}
    file = frame.f_code.co_filename
    document = Document(file=file, value=value, places=dict.fromkeys(_tops(value), (file, frame.f_lineno)))
    built = build(document, environ=os.environ, folder=None, name=name)
    if built.graph is None:
        raise RegistryError(built.faults)
    return built.graph


def _tops(value: Mapping[str, Any]) -> list[tuple[str | int, ...]]:
    return [(key,) for key in value]


def read_yaml(path: str, *, overlay: str | None = None, strict_environment: bool = True) -> Built:
    """Read a YAML registry with its faults.

    :param strict_environment: whether a variable that is not set is a fault; else it stays as it stands.
    """
    path = local_path(path) or path
    document = _read_file(path)
    folder = str(Path(path).absolute().parent)
    document.faults += _overlay_faults(document)
    if overlay is not None:
        document = _lay_over(document, overlay, folder)
    return build(
        document,
        environ=os.environ if strict_environment else None,
        folder=folder,
        name=re.sub(r"[^A-Za-z0-9_.-]+", "_", Path(path).stem),
    )


def overlay_names(path: str) -> tuple[str, ...]:
    """Return the overlays that a YAML registry holds; one made in Python has none."""
    if _DOTTED.fullmatch(path) and not path.endswith((".yaml", ".yml")):
        return ()
    overlays = _read_file(local_path(path) or path).value.get("overlays")
    return tuple(map(str, overlays)) if isinstance(overlays, Mapping) else ()


def _read_file(path: str) -> Document:
    try:
        return read_document(Path(path).read_bytes(), path)
    except OSError as error:
        raise RegistryError([Fault(f"cannot be read: {error.strerror or error}", path)]) from error


def _overlay_faults(document: Document) -> list[Fault]:
    overlays = document.value.get("overlays")
    if not isinstance(overlays, Mapping):
        return []
    return [
        document.fault(f"overlay {name!r}: {unknown('key', key, OVERLAY_KEYS[1:])}", ("overlays", name, key))
        for name, overlay in overlays.items()
        if isinstance(overlay, Mapping)
        for key in overlay
        if key not in OVERLAY_KEYS[1:]
    ]


def _lay_over(document: Document, overlay: str, folder: str) -> Document:
    overlays = document.value.get("overlays")
    named = overlays if isinstance(overlays, Mapping) else {}
    if isinstance(named.get(overlay), Mapping):
        return document.merged(document, ("overlays", overlay))
    if overlay in named or not (overlay.endswith((".yaml", ".yml")) or "/" in overlay):
        raise RegistryError(
            [*document.faults, document.fault(unknown("overlay", overlay, named), ("overlays",))]
        )
    beside = Path(folder, overlay)
    over = _read_file(str(beside) if beside.exists() and not Path(overlay).exists() else overlay)
    over.faults += [
        over.fault(unknown("key", key, OVERLAY_KEYS), (key,)) for key in over.value if key not in OVERLAY_KEYS
    ]
    over.value = {key: value for key, value in over.value.items() if key in OVERLAY_KEYS}
    return document.merged(over)


def _load_python(path: str, overlay: str | None) -> JobGraph:
    module_name, _, name = path.partition(":")
    if overlay is not None:
        message = f"overlay {overlay!r}: a registry made in Python takes none; choose there by environment"
        raise RegistryError([Fault(message, path)])
    try:
        module = importlib.import_module(module_name)
    except RegistryError:
        raise
    except Exception as error:
        message = f"importing {module_name!r} raised {type(error).__name__}: {error}"
        raise RegistryError([Fault(message, path)]) from error
    found = getattr(module, name, None)
    if not isinstance(found, JobGraph):
        what = "has no such name" if found is None else f"holds a {type(found).__name__} there"
        message = f"module {module_name!r} {what}; name what media_registry(...) returned"
        raise RegistryError([Fault(message, path)])
    return found
