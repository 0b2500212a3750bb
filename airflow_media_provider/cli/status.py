"""``airflow media status``."""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow_media_provider.cli.command import ALL_DONE, command, open_graph, open_stores
from airflow_media_provider.cli.output import is_object, print_object, print_rows
from airflow_media_provider.cli.request import read_request


@command
def status(args: Namespace) -> int:
    """Count which artifacts of a selection exist, per job."""
    from airflow_media_provider.runs.status import coverage

    request = read_request(args)
    graph = open_graph(args)
    sourceless, rows = coverage(graph, request, open_stores(graph.root))
    jobs = {
        row.job: {
            "items": row.items,
            "present": row.present,
            "stale": row.stale,
            "missing": row.missing,
            "coverage": round(row.ratio, 6),
        }
        for row in rows
    }
    if is_object(args.output):
        print_object({"jobs": jobs, "without_source": sourceless}, args.output)
        return ALL_DONE
    shown = [{"job": job, **counts, "coverage": f"{counts['coverage']:.1%}"} for job, counts in jobs.items()]
    print_rows(shown, args.output)
    if sourceless:
        print(f"{sourceless} items have no source file", file=sys.stderr)
    return ALL_DONE
