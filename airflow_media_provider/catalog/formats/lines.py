"""A text file's lines as arrays, block by block, in whatever Unicode encoding it is."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from airflow_media_provider.catalog.rows import NOT_UTF8, Rejected, reject
from airflow_media_provider.errors import SelectionError

BLOCK = 4 << 20
MAX_LINE = 1 << 20
_SNIFFED = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Some consecutive lines.

    :param first: number of the first, from 1.
    :param values: the lines without white space around; null for a blank or rejected one.
    """

    uri: str
    first: int
    values: pa.LargeStringArray
    rejected: list[Rejected]

    def place(self, index: int) -> str:
        """Say where a line stands."""
        return f"{self.uri}:{self.first + index}"


def encoding_of(file: BinaryIO, uri: str) -> str:
    """Return the encoding that the first bytes tell, and leave the file at its start.

    :raises SelectionError: when this is no text at all.
    """
    head = file.read(_SNIFFED)
    file.seek(0)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head:
        at = head.index(b"\0")
        raise SelectionError(
            f"items_uri {uri}: is not text (byte {at} is 0); a list is text, CSV, JSON Lines or Parquet"
        )
    return "utf-8-sig"


def read_lines(file: BinaryIO, uri: str) -> Iterator[Lines]:
    """Yield all lines; memory holds one block, however long the file is."""
    first, rest = 1, b""
    for block in _blocks(file, encoding_of(file, uri)):
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if newline:
            yield (lines := _lines(whole, uri, first))
            first += len(lines.values)
        if len(rest) > MAX_LINE:
            raise SelectionError(
                f"items_uri {uri}:{first}: a line of more than {MAX_LINE} bytes; is this a list?"
            )
    if rest:
        yield _lines(rest, uri, first)


def _blocks(file: BinaryIO, encoding: str) -> Iterator[bytes]:
    """Yield the file as UTF-8; raises UnicodeDecodeError when it ends amid a UTF-16 character."""
    if encoding != "utf-16":
        if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)
        while block := file.read(BLOCK):
            yield block
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    while block := file.read(BLOCK):
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()


def _lines(block: bytes, uri: str, first: int) -> Lines:
    raw = pc.split_pattern(pa.array([block], pa.large_binary()), b"\n").values
    rejected: list[Rejected] = []
    try:
        values = raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        values = _decode(raw, f"{uri}:", first, rejected)
    values = pc.utf8_trim_whitespace(values)
    values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.large_string()), values)
    return Lines(uri=uri, first=first, values=values, rejected=rejected)


def _decode(
    raw: pa.LargeBinaryArray, where: str, first: int, rejected: list[Rejected]
) -> pa.LargeStringArray:
    values: list[str | None] = []
    for index, line in enumerate(raw.to_pylist()):
        try:
            values.append(line.decode())
        except UnicodeDecodeError:
            values.append(None)
            rejected.append(reject(line, f"{where}{first + index}", NOT_UTF8))
    return pa.array(values, pa.large_string())
