"""The files of a report: ``part-*.jsonl`` with the rows, ``summary.json`` when they are all there."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from beam_jobs.contract.address import local_path
from beam_jobs.storage.remote import prepare_beam
from beam_jobs.storage.store import store_for

PART = "part"
SUFFIX = ".jsonl"
SUMMARY = "summary.json"


def beam_path(uri: str) -> str:
    """Return ``uri`` as Beam's file systems want it: a plain path when it is local."""
    path = local_path(uri)
    if path is None:
        prepare_beam(uri)
        return uri
    return path


def summary_uri(report: str) -> str:
    """Return where the summary of the report in the folder ``report`` is."""
    return f"{report.rstrip('/')}/{SUMMARY}"


def clear_report(report: str) -> None:
    """Remove what an earlier attempt left, so that no item can have two rows.

    The summary goes first: without it a report does not count as complete.
    """
    folder = beam_path(report.rstrip("/"))
    for pattern in (f"{folder}/{SUMMARY}", f"{folder}/{PART}-*", f"{folder}/beam-temp-*"):
        old = [found.path for result in FileSystems.match([pattern]) for found in result.metadata_list]
        if local_path(report) is not None:
            FileSystems.delete(old)
            continue
        for uri in old:  # Beam deletes in batches, which not every server that speaks the protocol knows
            store_for(uri).remove(uri)


def read_bytes(uri: str) -> bytes:
    """Return an object's bytes."""
    with FileSystems.open(beam_path(uri), compression_type=CompressionTypes.UNCOMPRESSED) as file:
        content: bytes = file.read()
    return content


def write_summary(report: str, summary: dict[str, Any]) -> None:
    """Write the summary, in one instant where the storage can."""
    uri = summary_uri(report)
    content = (json.dumps(summary, indent=1, ensure_ascii=False) + "\n").encode()
    local = local_path(uri)
    path = None if local is None else Path(local)
    target = uri if path is None else str(path.with_name(f".tmp-{os.getpid()}-{SUMMARY}"))
    with suppress(OSError, NotImplementedError):
        FileSystems.mkdirs(beam_path(report.rstrip("/")))
    with FileSystems.create(target, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(content)
    if path is not None:
        Path(target).replace(path)
