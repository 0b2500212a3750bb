"""``airflow media run``."""

from __future__ import annotations

import secrets
import sys
from argparse import Namespace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from airflow_media_provider.cli.command import ALL_DONE, SOME_LEFT, command, open_graph, open_stores
from airflow_media_provider.cli.output import count_rows, is_object, print_object, print_rows
from airflow_media_provider.cli.progress import RunProgress
from airflow_media_provider.cli.request import read_request
from airflow_media_provider.compat import conf
from beam_jobs.contract.report import Status

if TYPE_CHECKING:
    from airflow_media_provider.runs.here import RunResult
    from airflow_media_provider.storage import Stores

COUNTS = ("done", "present", "failed", "blocked")
REASONS = 3
"""Failed items of a job that are told with their reason."""


@command
def run(args: Namespace) -> int:
    """Plan and run every job here, parents first."""
    from airflow_media_provider.runs.here import plan_and_save, run_here

    request = read_request(args)
    graph = open_graph(args)
    stores = open_stores(graph.root)
    plan = plan_and_save(graph, request, stores=stores, run_id=_new_run_id())
    print(plan.line(), file=sys.stderr)
    if plan.rejected:
        print(f"{plan.rejected} rejected, see {plan.layout.rejected}", file=sys.stderr)
    if plan.dry_run:
        _print(args, plan.counts, plan.layout.uri)
        return ALL_DONE
    with RunProgress(plan) as progress:
        result = run_here(
            plan,
            stores=stores,
            python=args.python or conf.get("media", "python", fallback="") or sys.executable,
            on_event=progress.event,
            on_line=progress.line,
        )
    counts = (*COUNTS, "pinged") if plan.query.ping and not is_object(args.output) else COUNTS
    jobs = {outcome.job: {name: outcome.counts[name] for name in counts} for outcome in result.outcomes}
    _print(args, jobs, result.report)
    _tell_failures(result, stores)
    return ALL_DONE if result.all_done else SOME_LEFT


def _print(args: Namespace, jobs: dict[str, dict[str, int]], report: str) -> None:
    if is_object(args.output):
        print_object({"jobs": jobs, "report": report}, args.output)
    else:
        print_rows(count_rows(jobs), args.output)
        print(f"report: {report}", file=sys.stderr)


def _tell_failures(result: RunResult, stores: Stores) -> None:
    """Say on standard error why items failed: the first ones of each job."""
    from airflow_media_provider.runs.rows import report_rows

    for outcome in result.outcomes:
        count = outcome.counts["failed"]
        if not count:
            continue
        rows = report_rows(result.plan.layout.job(outcome.job), stores)
        lost = (row for row in rows if row.status in (Status.FAILED, Status.QUARANTINED))
        for row in islice(lost, REASONS):
            print(f"{outcome.job}: {row.message}", file=sys.stderr)
        if count > REASONS:
            print(f"{outcome.job}: and {count - REASONS} more, see {outcome.report}", file=sys.stderr)


def _new_run_id() -> str:
    return f"cli-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(3)}"
