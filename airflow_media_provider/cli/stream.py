"""``airflow media stream``."""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_media_provider.cli.command import ALL_DONE, SOME_LEFT, command, open_graph, open_stores
from airflow_media_provider.cli.ending import ended_by_signals
from airflow_media_provider.cli.output import is_object, print_object, print_rows
from airflow_media_provider.compat import conf
from airflow_media_provider.errors import LaunchError, PlanError

if TYPE_CHECKING:
    from airflow_media_provider.registry.model import JobGraph
    from airflow_media_provider.runs.streams import StreamState
    from airflow_media_provider.storage import Stores
    from beam_jobs.contract.stream import StreamSpec

PATIENCE_S = 600.0
SHOWN = ("done", "present", "failed", "blocked")
ENDED = ("drained", "stopped")


@command
def stream(args: Namespace) -> int:
    """Serve one target here, ask how it is, or let it end."""
    from airflow_media_provider.runs.stream_spec import stream_spec
    from airflow_media_provider.runs.streams import ask_to_end, find_running, read_state, wait_for_end

    graph = open_graph(args)
    if graph.job(args.job).runner.name == "dataflow":
        raise PlanError(f"job {args.job!r} runs on Dataflow; start its stream by MediaStreamingJobOperator")
    stores = open_stores(graph.root)
    spec = stream_spec(graph, args.job, to_start=args.action == "start", subscription=args.subscription)
    state = find_running(spec, stores) if args.action == "start" else read_state(spec, stores)
    asked = args.action in ("drain", "stop") and state.alive
    if args.action == "start":
        if state.alive:
            raise PlanError(f"{spec.name} runs already: process {state.said['pid']} on {state.said['host']}")
        _serve(args, graph, spec, stores)
        state = read_state(spec, stores)
    elif asked:
        ask_to_end(spec, stores, at_once=args.action == "stop")
        state = wait_for_end(spec, stores, patience=PATIENCE_S)
    _tell(args, state)
    return SOME_LEFT if asked and state.state not in ENDED else ALL_DONE


def _tell(args: Namespace, state: StreamState) -> None:
    """Print what a stream says of itself; what ails it, below the table."""
    said = {**state.said, "name": state.name, "state": state.state}
    if is_object(args.output):
        print_object(said, args.output)
        return
    rows = said.get("rows", {})
    row = {
        "name": state.name, "state": state.state, "since": _time(said.get("started")),
        "messages": said.get("messages", 0),
        **{name: rows.get(name, 0) for name in SHOWN},
        **{name: count for name, count in rows.items() if name not in SHOWN},
        "ignored": said.get("ignored", 0), "dead": said.get("dead", 0),
        "given back": said.get("given_back", 0),
    }  # fmt: skip
    print_rows([row], args.output)
    if state.state == "silent":
        print(
            f"{state.name} has said nothing since {_time(said.get('updated'))}, or its process is gone; "
            "start it again, and it goes on with what Pub/Sub still has",
            file=sys.stderr,
        )
    if said.get("trouble"):
        print(f"last trouble: {said['trouble']}", file=sys.stderr)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _serve(args: Namespace, graph: JobGraph, spec: StreamSpec, stores: Stores) -> None:
    from airflow_media_provider.runners.launch import launch
    from airflow_media_provider.runs.stream_end import why_ended
    from airflow_media_provider.runs.streams import ask_to_end, prepare_start

    def end(at_once: bool) -> None:
        said = "stops" if at_once else "finishes what it has in work; once more stops it at once"
        print(f"{spec.name} {said}", file=sys.stderr)
        try:
            ask_to_end(spec, stores, at_once=at_once)
        except Exception as error:
            print(f"{spec.name} cannot be asked to end: {error}; the third time kills it", file=sys.stderr)

    uri = prepare_start(spec, stores)
    print(f"{spec.name} serves {spec.subscription}; Ctrl-C drains it", file=sys.stderr)
    with ended_by_signals(end):
        result = launch(
            [uri],
            python=args.python or conf.get("media", "python", fallback="") or sys.executable,
            module="beam_jobs.stream",
            on_event=lambda event: None,
            on_line=_pass_on,
        )
    if result.exit_code:
        raise LaunchError(why_ended(spec, result, graph.uploads))


def _pass_on(line: str) -> None:
    if not line.startswith("could not run "):  # the command's own error says it
        print(line, file=sys.stderr)
