"""BigQuery: a query's result as Arrow record batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_media_provider.errors import StorageError

PAGE = 50_000
"""Rows that one answer has at most."""

SHOWN = 300
"""Characters of a query, and of what BigQuery says of it, that an error shows."""


def run_query(
    text: str, *, gcp_conn_id: str, impersonation_chain: str | Sequence[str] | None = None
) -> Iterator[Any]:
    """Run a query through the Google provider's hook, and yield its rows, a page at a time.

    The project is the connection's, and the place that of the data.

    :raises StorageError: when BigQuery says no, or cannot be reached; says why.
    """
    from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    hook = BigQueryHook(gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain)
    location = hook.location if isinstance(hook.location, str) else None
    try:
        rows = hook.get_client(hook.project_id, location).query(text).result(page_size=PAGE)
        yield from rows.to_arrow_iterable()
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        raise StorageError(
            f"{_line(text)!r}: {_line(getattr(error, 'message', None) or str(error))}"
        ) from error


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"
