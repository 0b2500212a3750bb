"""A query of a warehouse whose result has a column with the item."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from airflow_media_provider.catalog.formats.parquet import numbered, rows_of
from airflow_media_provider.catalog.rows import CHUNK, Request, Rows
from airflow_media_provider.errors import MediaError, SelectionError


def read(request: Request) -> Iterator[Rows]:
    """Yield the rows of the result, batch by batch; ``force`` and ``ping`` may stand beside the item."""
    view, jobs = request.view, request.graph.jobs
    if view.wanted is not None:
        raise SelectionError("items_filter goes with a list file; write the condition into the query's WHERE")
    first = 1
    for batch in _batches(request):
        view.check(batch.schema.names, "items_query")
        for start in range(0, batch.num_rows, CHUNK):
            part = batch.slice(start, CHUNK)
            yield rows_of(numbered(part, first), "of the query", "items_query", jobs, view)
            first += part.num_rows


def _batches(request: Request) -> Iterator[pa.RecordBatch]:
    run = request.stores.run_query
    if run is None:
        raise SelectionError("items_query: nothing here can run queries; give a list file instead")
    try:
        yield from run(str(request.value))
    except MediaError as error:
        raise SelectionError(f"items_query: {error}") from error
