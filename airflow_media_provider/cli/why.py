"""``airflow media why``."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_media_provider.cli.command import ALL_DONE, command, open_graph, open_stores
from airflow_media_provider.cli.output import is_object, print_object, print_rows

if TYPE_CHECKING:
    from airflow_media_provider.runs.status import ItemInJob


@command
def why(args: Namespace) -> int:
    """Tell all that is known of one item, in every job."""
    from airflow_media_provider.runs.status import item_of, why

    graph = open_graph(args)
    stores = open_stores(graph.root)
    item = item_of(graph, args.item, stores)
    known = why(graph, item, stores)
    if is_object(args.output):
        print_object({"item": item, "jobs": {entry.job: _facts(entry) for entry in known}}, args.output)
        return ALL_DONE
    print_rows([{"job": entry.job, **_line(entry)} for entry in known], args.output)
    return ALL_DONE


def _facts(entry: ItemInJob) -> dict[str, Any]:
    reports = [
        {
            "run": run,
            "item": row.item,
            "status": str(row.status),
            "stage": row.stage,
            "error": row.error_class,
            "message": row.message,
            "seconds": round(sum(row.seconds.values()), 6),
        }
        for run, row in entry.reports
    ]
    return {
        "exists": entry.exists,
        "uri": entry.uri,
        "fingerprint": entry.fingerprint,
        "action": entry.action,
        "reason": entry.reason,
        "reports": reports,
    }


def _line(entry: ItemInJob) -> dict[str, str]:
    last = ""
    if entry.reports:
        run = entry.reports[0][0]
        rows = [row for name, row in entry.reports if name == run]  # of a job over children, one for each
        row = next((row for row in rows if row.error_class or row.message), None)
        if row is None:
            said = [f"{count} {status}" for status, count in Counter(row.status for row in rows).items()]
            last = f"{', '.join(said) if len(rows) > 1 else rows[0].status} ({run})"
        else:
            which = row.item if len(rows) > 1 else ""
            said = [which, str(row.status), row.stage, row.error_class, row.message, f"({run})"]
            last = " ".join(filter(None, said))
    return {
        "artifact": "exists" if entry.exists else "absent",
        "now": f"{entry.action}: {entry.reason}",
        "last report": last,
        "uri": entry.uri,
    }
