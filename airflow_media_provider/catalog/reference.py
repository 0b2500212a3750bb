"""From what a row names to an item id, a whole array at a time.

Nearly every row of a real list is a sound id, so arrays are sorted out by regular expressions and only
the odd ones are looked at one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.registry.model import JobGraph
from beam_jobs.contract.address import Address, local_path
from beam_jobs.contract.item import MAX_SEGMENT_BYTES, item_id_fault

# Control characters; segments that are empty, '.' or '..'.
_ODD = r"[\x00-\x1f\x7f-\x{9f}]|(?:^|/)\.{0,2}(?:/|$)"


@dataclass(frozen=True, slots=True)
class References:
    """Ids out of an array of rows.

    :param ids: an id per row; null where there is none.
    :param faults: position -> why the row's value cannot be an item.
    """

    ids: pa.LargeStringArray
    faults: dict[int, str]


def read_references(values: pa.LargeStringArray, source: Address) -> References:
    """Read ids, and URIs and paths of source files, which are cut down to their ids."""
    faults: dict[int, str] = {}
    ids = _cut_uris(values, source, faults)
    odd = pc.or_(pc.match_substring_regex(ids, _ODD), pc.greater(pc.binary_length(ids), MAX_SEGMENT_BYTES))
    bad = []
    for index in _positions(odd):
        fault = item_id_fault(ids[index].as_py())
        if fault is not None:
            faults[index] = fault
            bad.append(index)
    return References(_without(ids, bad), faults)


def source_address(graph: JobGraph) -> Address:
    """Return the addresses of the catalog's own files."""
    return Address.parse(graph.source, root=graph.root)


def spellings(prefix: str) -> list[str]:
    """Return the ways to write one address: local files have a path and a ``file://`` URI."""
    path = local_path(prefix)
    return [prefix] if path is None else [path, f"file://{path}"]


def is_address(text: str) -> bool:
    """Tell whether ``text`` is a URI or absolute path; neither can be an item id."""
    return text.startswith("/") or "://" in text


def _cut_uris(values: pa.LargeStringArray, source: Address, faults: dict[int, str]) -> pa.LargeStringArray:
    addresses = pc.or_(pc.starts_with(values, "/"), pc.match_substring(values, "://"))
    if not pc.any(addresses).as_py():
        return values
    prefixes = "|".join(re.escape(prefix) for prefix in spellings(source.prefix))
    pattern = f"(?s)^(?:{prefixes})(?P<item>.+){re.escape(source.suffix)}$"
    items = pc.struct_field(pc.extract_regex(values, pattern), "item")
    cut = pc.if_else(addresses, items, values)
    for index in _positions(pc.and_(addresses, pc.is_null(items))):
        faults[index] = (
            f"is not a file of the source {source.template!r}; give its id or a file of the source"
        )
    return cut


def _positions(mask: pa.BooleanArray) -> Iterator[int]:
    return (index.as_py() for index in pc.indices_nonzero(pc.fill_null(mask, fill_value=False)))


def _without(values: pa.LargeStringArray, positions: list[int]) -> pa.LargeStringArray:
    """Return ``values`` with null at ``positions``."""
    if not positions:
        return values
    import numpy as np

    keep = np.ones(len(values), dtype=bool)
    keep[positions] = False
    return pc.if_else(pa.array(keep), values, pa.scalar(None, pa.large_string()))
