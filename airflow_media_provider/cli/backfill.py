"""``airflow media backfill``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_media_provider.cli.backfill_slices import looker, read_slices, write_list
from airflow_media_provider.cli.command import ALL_DONE, SOME_LEFT, command, open_graph, open_stores
from airflow_media_provider.cli.output import is_object, print_object, print_rows
from airflow_media_provider.cli.request import split_names
from airflow_media_provider.compat import IS_AIRFLOW_2
from airflow_media_provider.errors import PlanError

if TYPE_CHECKING:
    from airflow_media_provider.cli.backfill_loop import Sorted
    from airflow_media_provider.cli.backfill_runs import DagRuns
    from airflow_media_provider.runs.backfill import Backfill, Slice
    from airflow_media_provider.storage import Stores

COUNTS = ("done", "present", "failed", "blocked")

ONLY_3 = (
    "runs of partitions and of slices of a list need Airflow 3; here: airflow dags backfill DAG_ID "
    '-s DATE -e DATE --conf \'{"prefix": "{{ ds }}/"}\''
)


@command
def backfill(args: Namespace) -> int:
    """Run a DAG once per slice of the catalog, or say what that would do."""
    from airflow_media_provider.runs.backfill import open_backfill

    if IS_AIRFLOW_2:
        raise PlanError(ONLY_3)
    if not args.partitions and not args.items_uri:
        raise PlanError("give --partitions a..f (or all), or --items-uri LIST")
    graph = open_graph(args)
    stores = open_stores(graph.root)
    opened = open_backfill(
        graph,
        dag_id=args.dag_id or graph.name,
        targets=split_names(args.target),
        mode=args.mode,
        items_uri=args.items_uri,
    )
    slices, lists = read_slices(args, graph, stores, f"{opened.folder}/lists")
    if args.dry_run:
        return _preview(args, opened, slices, lists, stores)
    return _run(args, opened, slices, lists, stores)


def _preview(
    args: Namespace, backfill: Backfill, slices: list[Slice], lists: dict[str, bytes], stores: Stores
) -> int:
    """Print what each slice's run would do now; nothing is written and no run made."""
    from airflow_media_provider.runs.backfill import total

    look = looker(args, backfill, slices, lists, stores)
    found = {part.key: look(part) for part in slices}
    counts = {key: one.counts for key, one in found.items()}
    items = sum(one.items for one in found.values())
    if is_object(args.output):
        print_object(
            {"backfill": backfill.identity, "partitions": counts, "jobs": total(counts.values())}, args.output
        )
        return ALL_DONE
    rows = [
        {"partition": key, "job": job, **numbers}
        for key, jobs in {**counts, "total": total(counts.values())}.items()
        for job, numbers in jobs.items()
    ]
    print_rows(rows, args.output)
    print(
        f"{len(slices)} partitions, {items} items with something to run; nothing was started", file=sys.stderr
    )
    return ALL_DONE


def _run(
    args: Namespace, backfill: Backfill, slices: list[Slice], lists: dict[str, bytes], stores: Stores
) -> int:
    from airflow_media_provider.cli.backfill_loop import Loop, Pace
    from airflow_media_provider.cli.backfill_progress import BackfillProgress
    from airflow_media_provider.cli.backfill_runs import DagRuns

    runs = DagRuns.of(backfill.dag_id)
    look = looker(args, backfill, slices, lists, stores)
    found = _sort(args, backfill, slices, runs, stores)
    _announce(backfill, slices, found)
    done = len(slices) - len(found.start) - len(found.again) - len(found.follow)
    with BackfillProgress(total=len(slices), done=done, counts=_outcomes(backfill, stores)) as progress:
        loop = Loop(
            backfill=backfill,
            runs=runs,
            slices=slices,
            found=found,
            pace=Pace(max_active=args.max_active, budget=args.budget_items, wait=args.wait),
            work=lambda part: look(part).items,
            begin=lambda part: write_list(part, lists, stores),
            progress=progress,
        )
        try:
            states = loop.run()
        except KeyboardInterrupt:
            going = ", ".join(sorted(part.key for part in loop.active.values())) or "none"
            print(f"runs that go on in Airflow: {going}", file=sys.stderr)
            raise
    return _answer(args, backfill, states, progress.counts)


def _sort(args: Namespace, backfill: Backfill, slices: list[Slice], runs: DagRuns, stores: Stores) -> Sorted:
    """Sort the slices, with what failed before written down: to be left out, or forgotten."""
    from airflow_media_provider.cli.backfill_loop import sort_slices
    from airflow_media_provider.runs.backfill_failed import forget_failed, note_failed

    lost = (forget_failed if args.retry_failed else note_failed)(backfill, stores)
    if lost and not args.retry_failed:
        print(f"{len(lost)} failed before and are left out; --retry-failed tries them again", file=sys.stderr)
    own = {backfill.run_id(part.key) for part in slices}
    losers = {row["run"] for row in lost}
    # What a run of other slices lost may be in any of these.
    all_again = args.again or (args.retry_failed and not losers <= own)

    def repeat(run_id: str, state: str) -> bool:
        return all_again or (args.retry_failed and (state == "failed" or run_id in losers))

    return sort_slices(slices, runs.states(backfill.run_prefix), backfill, repeat=repeat)


def _announce(backfill: Backfill, slices: list[Slice], found: Sorted) -> None:
    ended = len(slices) - len(found.start) - len(found.again) - len(found.follow)
    failed = sum(found.states[part.key] == "failed" for part in slices if part not in found.again)
    parts = [
        f"{len(found.start)} to start",
        f"{len(found.again)} to repeat" if found.again else "",
        f"{len(found.follow)} running" if found.follow else "",
        f"{ended - failed} done" if ended - failed else "",
        f"{failed} failed (--retry-failed tries them again)" if failed else "",
    ]
    print(
        f"backfill {backfill.identity} of {backfill.dag_id}: {len(slices)} partitions, "
        f"{', '.join(filter(None, parts))}",
        file=sys.stderr,
    )


def _outcomes(backfill: Backfill, stores: Stores) -> Callable[[Slice], dict[str, dict[str, int]]]:
    """Return what reads the counts of a slice's run; none when it did not get to a plan."""
    from airflow_media_provider.runs.outcome import stored_outcome
    from airflow_media_provider.runs.stored import open_plan

    def read(part: Slice) -> dict[str, dict[str, int]]:
        try:
            plan = open_plan(backfill.layout(backfill.run_id(part.key)).uri, stores)
        except PlanError:
            return {}
        outcomes = {job: stored_outcome(plan, job, stores) for job in plan.jobs}
        return {
            job: {name: outcome.counts[name] for name in COUNTS}
            for job, outcome in outcomes.items()
            if outcome
        }

    return read


def _answer(
    args: Namespace, backfill: Backfill, states: dict[str, str], counts: dict[str, dict[str, dict[str, int]]]
) -> int:
    from airflow_media_provider.runs.backfill import total

    if is_object(args.output):
        partitions = {key: {"state": state, "jobs": counts.get(key)} for key, state in states.items()}
        answer = {
            "backfill": backfill.identity,
            "dag_id": backfill.dag_id,
            "partitions": partitions,
            "jobs": total(counts.values()),
        }
        print_object(answer, args.output)
    else:
        print_rows([{"partition": key, "state": state} for key, state in states.items()], args.output)
    left = [key for key, state in states.items() if state != "success"]
    failed = [key for key in left if states[key] == "failed"]
    if failed:
        print(f"{len(failed)} partitions failed; --retry-failed tries them again", file=sys.stderr)
    if len(left) > len(failed):
        print(
            f"{len(left) - len(failed)} partitions are left; the same command goes on from here"
            + (", within --budget-items" if args.budget_items is not None else ""),
            file=sys.stderr,
        )
    lost = [
        key
        for key, jobs in counts.items()
        if any(numbers["failed"] or numbers["blocked"] for numbers in jobs.values())
    ]
    if lost:
        print(f"items failed or are blocked in {len(lost)} partitions, see their runs", file=sys.stderr)
    return SOME_LEFT if left or lost else ALL_DONE
