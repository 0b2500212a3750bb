"""``airflow media publish``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from airflow_media_provider.cli.command import ALL_DONE, SOME_LEFT, command, open_graph, open_stores
from airflow_media_provider.cli.output import is_object, print_object, print_rows
from airflow_media_provider.cli.request import full_name_of, items_of, prefix_of, split_names
from airflow_media_provider.errors import PlanError
from beam_jobs.contract.message import encode_work

if TYPE_CHECKING:
    from airflow_media_provider.registry.model import JobGraph


@command
def publish(args: Namespace) -> int:
    """Ask for work on items by one message each, of whoever listens on the topic."""
    from airflow_media_provider.hooks.pubsub import MediaPubSub
    from airflow_media_provider.intake.publish import publish as send
    from airflow_media_provider.runs.plan import select_items
    from airflow_media_provider.runs.request import parse_request

    graph = open_graph(args)
    topic = _topic(args, graph)
    targets = tuple(graph.job(name).name for name in split_names(args.target))
    mode = _mode(args)
    request = parse_request(
        {
            "items": items_of(args.item),
            "items_uri": args.items_uri,
            "prefix": prefix_of(args.prefix),
            "limit": args.limit,
        }
    )
    selection = select_items(graph, request, open_stores(graph.root))
    for rejected in selection.rejected:
        print(f"rejected: {rejected.where}: {rejected.value!r} {rejected.why}", file=sys.stderr)
    force, ping = args.force or None, args.ping or None

    def messages() -> Iterator[tuple[bytes, Mapping[str, str]]]:
        for item in selection.items:
            yield (
                encode_work(item.as_py(), force=force, ping=ping, targets=targets, mode=mode),
                {"registry": graph.name},
            )

    said = {
        "topic": topic,
        "published": send(MediaPubSub().publisher(), topic, messages()),
        "rejected": len(selection.rejected),
        "duplicates": selection.duplicates,
    }
    if is_object(args.output):
        print_object(said, args.output)
    else:
        print_rows([said], args.output)
    return SOME_LEFT if selection.rejected else ALL_DONE


def _topic(args: Namespace, graph: JobGraph) -> str:
    if args.topic:
        return full_name_of("--topic", "topic", args.topic)
    topic = graph.uploads.topic if graph.uploads else None
    if not topic:
        raise PlanError(
            "no topic; give --topic projects/PROJECT/topics/TOPIC, or 'uploads: {topic: …}' in the registry"
        )
    return str(topic)


def _mode(args: Namespace) -> str | None:
    """Return the mode that every message asks for; None leaves it to the receiver."""
    if args.bottom_up and args.top_down:
        raise PlanError("give either --bottom-up or --top-down")
    return "bottom-up" if args.bottom_up else "top-down" if args.top_down else None
