"""``airflow media plan``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_media_provider.cli.command import ALL_DONE, command, open_graph, open_stores
from airflow_media_provider.cli.output import (
    count_rows,
    is_object,
    print_lines,
    print_object,
    print_rows,
    print_with_list,
)
from airflow_media_provider.cli.request import read_request

if TYPE_CHECKING:
    from airflow_media_provider.catalog.rows import Rejected

SHOWN = 20


@command
def plan(args: Namespace) -> int:
    """Say what would run and why. Nothing is started and nothing is written."""
    from airflow_media_provider.runs.plan import make_plan

    request = read_request(args)
    graph = open_graph(args)
    made = make_plan(graph, request, open_stores(graph.root))
    warn_rejected(made.selection.rejected)
    counts = made.counts()
    cells = (
        {"item": cell.item, "job": cell.job, "action": cell.action, "reason": cell.reason}
        for cell in made.rows()
    )
    if args.output == "json" and args.cells:
        print_with_list({"jobs": counts}, "cells", cells)
    elif is_object(args.output):
        print_object({"jobs": counts} | ({"cells": list(cells)} if args.cells else {}), args.output)
    elif args.cells:
        print_lines(cells, args.output)
    else:
        print_rows(count_rows(counts), args.output)
        print(
            f"{len(made.selection.items)} items, {made.selection.duplicates} duplicates merged, "
            f"{len(made.selection.rejected)} rejected",
            file=sys.stderr,
        )
    return ALL_DONE


def warn_rejected(rejected: Sequence[Rejected]) -> None:
    """Name the first rejected lines on standard error."""
    for line in rejected[:SHOWN]:
        print(f"rejected: {line.where}: {line.value!r} {line.why}", file=sys.stderr)
    if len(rejected) > SHOWN:
        print(f"… and {len(rejected) - SHOWN} more rejected", file=sys.stderr)
