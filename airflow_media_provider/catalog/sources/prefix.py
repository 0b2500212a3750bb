"""The source's own files under a prefix or matching a glob."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.catalog.glob import literal_part, to_regex
from airflow_media_provider.catalog.reference import is_address, source_address, spellings
from airflow_media_provider.catalog.rows import Request, Rows
from airflow_media_provider.errors import EmptySelection, SelectionError, StorageError
from beam_jobs.contract.address import Address


def read(request: Request) -> Iterator[Rows]:
    """Yield the items whose file is in the source and fits; other files there are not items.

    A prefix is where an id begins (``rock/``), or the URI or path of a file or a folder around. With
    ``*``, ``?``, ``[…]`` or ``**`` it is a glob and must fit an id with or without the files' suffix,
    or the whole URI; ``*`` stops at ``/``, ``**`` does not. ``[*]`` is a star itself.
    """
    source = source_address(request.graph)
    text = str(request.value).strip()
    start, pattern = _search(text, source)
    others = items = 0
    try:
        for uris in request.stores.for_uri(start).list_uris(start):
            rows = _rows(uris, source, pattern)
            items += len(rows.values)
            others += len(uris) - len(rows.values)
            yield rows
    except StorageError as error:
        raise SelectionError(f"prefix {text}: {error}") from error
    if not items:
        seen = f"; {others} other files are there" if others else ""
        raise EmptySelection(f"prefix {text}: no file of the source {source.template!r} fits{seen}")


def _search(text: str, source: Address) -> tuple[str, str]:
    """Return the prefix to list, and the pattern that a file's URI must match, or ""."""
    if not is_address(text):
        pattern = f"{re.escape(source.prefix)}{to_regex(text)}(?:{re.escape(source.suffix)})?"
        literal = literal_part(text)
        return source.prefix + literal, "" if literal == text else f"^{pattern}$"
    address = _spelt_like(source.prefix, text)
    literal = literal_part(address)
    if not (literal.startswith(source.prefix) or source.prefix.startswith(literal)):
        raise SelectionError(
            f"prefix {text}: lies outside the source {source.template!r}; give one inside it"
        )
    return max(literal, source.prefix, key=len), "" if literal == address else f"^{to_regex(address)}$"


def _spelt_like(prefix: str, text: str) -> str:
    """Return a local ``text`` as a path or as a URI, as ``prefix`` is."""
    plain = "://" not in prefix
    return next((s for s in spellings(text) if ("://" not in s) == plain), text)


def _rows(uris: list[str], source: Address, pattern: str) -> Rows:
    names = pa.array(uris, pa.large_string())
    names = names.filter(pc.ends_with(names, source.suffix))
    names = names.filter(pc.greater(pc.utf8_length(names), len(source.prefix) + len(source.suffix)))
    if pattern:
        names = names.filter(pc.match_substring_regex(names, pattern))
    stop = -len(source.suffix) or None
    ids = pc.utf8_slice_codeunits(names, len(source.prefix), stop)
    return Rows(values=ids, place=lambda index: str(names[index]))
