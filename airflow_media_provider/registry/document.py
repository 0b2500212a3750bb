"""YAML text -> plain values, with the line of every key: faults are told where they stand.

Keys are taken as written, so a job may be called ``on`` or ``no``; a key given twice is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from airflow_media_provider.errors import Fault

Path = tuple[str | int, ...]
"""Where a value stands: keys and list positions from the top."""

_MAX_NODES = 200_000
"""Far above any registry; aliases of aliases reach it in a few lines."""

_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_MERGE = "tag:yaml.org,2002:merge"
_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, kw_only=True)
class Document:
    """A mapping read from a file.

    :param places: file and line of each key and list entry.
    """

    file: str
    value: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, tuple[str, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place(self, path: Path) -> tuple[str, int]:
        """Return file and line of ``path``, or of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return self.file, 1

    def fault(self, message: str, path: Path = ()) -> Fault:
        """Make a fault at ``path``."""
        return Fault(message, *self.place(path))

    def merged(self, over: Document, under: Path = ()) -> Document:
        """Return this document with ``over`` laid upon it.

        Mappings are merged key by key, anything else is replaced; ``null`` takes a key away.

        :param under: where in ``over`` the mapping is that shall be laid upon this one.
        """
        result = Document(file=self.file, value=self.value, places=dict(self.places))
        result.faults = [*self.faults, *(fault for fault in over.faults if fault not in self.faults)]
        layer: Any = over.value
        for key in under:
            layer = layer[key]
        skip = len(under)
        result.places.update(
            (p[skip:], at) for p, at in over.places.items() if p[:skip] == under and p[skip:]
        )
        result.value = _merge(self.value, layer)
        return result


def read_document(data: bytes, file: str) -> Document:
    """Read YAML; what is wrong with it stands in ``faults``."""
    document = Document(file=file)
    try:
        node = yaml.compose(data.decode("utf-8-sig"), Loader=_LOADER)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        document.faults.append(
            Fault(f"byte {data[error.start]:#04x} is not UTF-8; save the file as UTF-8", file, line)
        )
        return document
    except (yaml.YAMLError, RecursionError) as error:
        document.faults.append(_syntax_fault(error, data, file))
        return document
    if not isinstance(node, yaml.MappingNode):
        document.faults.append(Fault("holds no mapping; a registry starts with 'version: 1'", file, 1))
        return document
    document.value = _Reader(document).mapping(node, ())
    return document


def _syntax_fault(error: Exception, data: bytes, file: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Fault(f"is not YAML: {str(error) or 'nested too deeply'}", file, 1)
    problem = str(getattr(error, "problem", "") or error)
    line = data.splitlines()[mark.line : mark.line + 1]
    hint = "; indent with spaces, not tabs" if line and b"\t" in line[0] else ""
    return Fault(f"is not YAML: {problem}{hint}", file, mark.line + 1)


class _Reader:
    """One walk over the nodes of a document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.constructor = yaml.constructor.SafeConstructor()
        self.open: set[int] = set()
        self.seen = 0

    def fault(self, message: str, node: yaml.Node) -> None:
        self.document.faults.append(Fault(message, self.document.file, node.start_mark.line + 1))

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.seen += 1
        if id(node) in self.open or self.seen > _MAX_NODES:
            if self.seen <= _MAX_NODES:
                self.fault("an alias stands inside what it names; write it out", node)
            elif self.seen == _MAX_NODES + 1:
                self.fault(f"aliases make more than {_MAX_NODES} values of this file; write them out", node)
            return None
        self.open.add(id(node))
        try:
            if node.tag not in _TAGS and not isinstance(node, yaml.ScalarNode):
                self.fault(f"tag {node.tag!r} is not read here; remove it", node)
                return None
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return self.sequence(node, path)
            return self.scalar(node) if isinstance(node, yaml.ScalarNode) else None
        finally:
            self.open.discard(id(node))

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault("a key must be one word, not a list or mapping", key_node)
            elif key_node.tag == _MERGE:
                result = {**self.merge(value_node, path), **result}
            elif key_node.value in first:
                self.fault(
                    f"key {key_node.value!r} stands twice, first in line {first[key_node.value]}; remove one",
                    key_node,
                )
            else:
                first[key_node.value] = line
                here = (*path, key_node.value)
                result[key_node.value] = self.value(value_node, here)
                self.document.places[here] = (self.document.file, line)
        return result

    def merge(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        """Read ``<<``: a mapping, or a list of them of which the first wins."""
        result: dict[str, Any] = {}
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(part, yaml.MappingNode):
                value = self.value(part, path)
                result = {**(value or {}), **result}
            else:
                self.fault("'<<' takes a mapping", part)
        return result

    def sequence(self, node: yaml.SequenceNode, path: Path) -> list[Any]:
        result = []
        for index, entry in enumerate(node.value):
            here = (*path, index)
            self.document.places[here] = (self.document.file, entry.start_mark.line + 1)
            result.append(self.value(entry, here))
        return result

    def scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == _TIMESTAMP:
            return node.value  # values travel as JSON, which has no dates
        try:
            return self.constructor.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.fault(f"value {node.value!r}: {getattr(error, 'problem', None) or error}", node)
            return None


def _merge(base: Any, over: Any) -> Any:
    if not isinstance(over, Mapping) or not isinstance(base, Mapping):
        return _without_nulls(over)
    result = dict(base)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
    return value
