"""Inventory reports as Storage Insights writes them: CSV or Parquet, one file or parts with a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from airflow_media_provider.errors import ObjectNotFound, StorageError

if TYPE_CHECKING:
    from airflow_media_provider.storage.stores import Stores

BUCKET, NAME, DELETED = "bucket", "name", "timeDeleted"
BLOCK = 4 << 20
"""Bytes of CSV that are parsed at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Where a report is and how it is written.

    :param files: URIs of its parts.
    :param bucket: the one that it is about; "" = its rows say it.
    :param records: how many rows it has; None = nobody says.
    :param columns: of CSV without a header.
    """

    uri: str
    files: tuple[str, ...]
    bucket: str = ""
    records: int | None = None
    columns: tuple[str, ...] | None = None
    delimiter: str = ","


def find_report(uri: str, stores: Stores) -> Report:
    """Return the report at ``uri``: a manifest, one CSV or Parquet file, or a folder of reports.

    Of a folder it is the newest report whose manifest is there: the manifest is written last.

    :raises StorageError: when there is none, or the manifest is not one.
    """
    if uri.endswith("/"):
        found = [
            (info.updated, info.uri)
            for batch in stores.for_uri(uri).list_objects(uri)
            for info in batch
            if info.uri.endswith("manifest.json")
        ]
        if not found:
            raise StorageError(f"inventory {uri}: there is no …manifest.json in it; name a report's own file")
        uri = max(found)[1]
    return _by_manifest(uri, stores) if uri.endswith(".json") else Report(uri=uri, files=(uri,))


def _by_manifest(uri: str, stores: Stores) -> Report:
    try:
        manifest = json.loads(_read(uri, stores))
        config = manifest.get("report_config") or {}
        names = manifest["report_shards_file_names"]
        options = config.get("object_metadata_report_options") or {}
        form = config.get("csv_options") or {}
        header = form.get("header_required", True)
        return Report(
            uri=uri,
            files=tuple(f"{uri[: uri.rindex('/') + 1]}{name.rpartition('/')[2]}" for name in names),
            bucket=(options.get("storage_filters") or {}).get("bucket", ""),
            records=manifest.get("records_processed"),
            columns=None if header else tuple(options["metadata_fields"]),
            delimiter=form.get("delimiter") or ",",
        )
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise StorageError(
            f"inventory {uri}: not a manifest of Storage Insights ({type(error).__name__}: {error})"
        ) from error


def read_report(report: Report, stores: Stores) -> Iterator[pa.LargeStringArray]:
    """Yield the URIs of all objects that were live, some at a time.

    :raises StorageError: when a part is missing or no report, or rows are missing.
    """
    rows = 0
    for uri in report.files:
        try:
            for batch in _batches(uri, report, stores):
                rows += batch.num_rows
                yield _live(batch)
        except ObjectNotFound as error:
            raise StorageError(f"inventory {report.uri}: its part {uri} is not there") from error
        except StorageError:
            raise
        except (pa.ArrowException, OSError, KeyError) as error:
            raise StorageError(f"inventory {uri}: {error}") from error
    if report.records is not None and rows != int(report.records):
        raise StorageError(
            f"inventory {report.uri}: its parts have {rows} rows, and {report.records} were written; "
            "take another report, or none"
        )


def _batches(uri: str, report: Report, stores: Stores) -> Iterator[pa.RecordBatch]:
    with stores.for_uri(uri).open(uri) as file:
        if uri.endswith(".parquet"):
            table = parquet.ParquetFile(file)
            yield from table.iter_batches(columns=_columns(uri, table.schema_arrow.names))
            return
        if not uri.endswith((".csv", ".csv.gz")):
            raise StorageError(f"inventory {uri}: name a .csv, .csv.gz or .parquet file, or a manifest.json")
        stream = pa.CompressedInputStream(file, "gzip") if uri.endswith(".gz") else file
        yield from _csv(uri, report, stream)


def _csv(uri: str, report: Report, stream: Any) -> Iterator[pa.RecordBatch]:
    text = {name: pa.large_string() for name in (BUCKET, NAME, DELETED)}
    try:
        reader = csv.open_csv(
            stream,
            read_options=csv.ReadOptions(block_size=BLOCK, column_names=report.columns, use_threads=False),
            parse_options=csv.ParseOptions(delimiter=report.delimiter),
            convert_options=csv.ConvertOptions(column_types=text),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise
    columns = _columns(uri, reader.schema.names)
    for batch in reader:
        yield batch.select(columns)


def _columns(uri: str, names: Sequence[str]) -> list[str]:
    if missing := [name for name in (BUCKET, NAME) if name not in names]:
        raise StorageError(
            f"inventory {uri}: no column {' and none '.join(missing)}, it has {', '.join(names)}; add it to "
            "the report's fields"
        )
    return [name for name in (BUCKET, NAME, DELETED) if name in names]


def _live(batch: pa.RecordBatch) -> pa.LargeStringArray:
    """Return the URIs; rows of versions that were replaced or deleted have a time for that."""
    if DELETED in batch.schema.names:
        deleted = batch.column(DELETED).cast(pa.large_string())
        batch = batch.filter(pc.equal(pc.fill_null(deleted, ""), ""))
    bucket, name = (batch.column(column).cast(pa.large_string()) for column in (BUCKET, NAME))
    scheme, slash, nothing = (pa.scalar(text, pa.large_string()) for text in ("gs://", "/", ""))
    return pc.binary_join_element_wise(scheme, bucket, slash, name, nothing)


def _read(uri: str, stores: Stores) -> bytes:
    return stores.for_uri(uri).read(uri)
