"""``airflow media jobs``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from airflow_media_provider.cli.command import ALL_DONE, command, open_graph
from airflow_media_provider.cli.output import is_object, print_rows, print_text
from airflow_media_provider.registry.model import SOURCE, JobGraph


@command
def jobs(args: Namespace) -> int:
    """List the jobs, parents first, or show the graph."""
    graph = open_graph(args)
    if args.graph:
        print_text(as_dot(graph) if args.graph == "dot" else as_text(graph))
        return ALL_DONE
    rows = [
        {
            "job": name,
            "step": job.step,
            "needs": list(job.needs) if is_object(args.output) else ", ".join(job.needs),
            "team": job.team or "",
            "runner": job.runner.name,
            "max_failed": job.max_failed,
        }
        for name, job in ((name, graph.jobs[name]) for name in graph.order)
    ]
    print_rows(rows, args.output)
    return ALL_DONE


def as_text(graph: JobGraph) -> Iterator[str]:
    """Yield a tree from the source down; a job with several parents stands under each, its children once."""
    shown: set[str] = set()

    def walk(children: list[str], indent: str) -> Iterator[str]:
        for index, job in enumerate(children):
            last = index == len(children) - 1
            again = job in shown
            shown.add(job)
            below = list(graph.children[job])
            yield f"{indent}{'└─ ' if last else '├─ '}{job}{' …' if again and below else ''}"
            if not again:
                yield from walk(below, indent + ("   " if last else "│  "))

    yield SOURCE
    yield from walk([job for job in graph.order if SOURCE in graph.jobs[job].needs], "")


def as_dot(graph: JobGraph) -> Iterator[str]:
    """Yield the graph in Graphviz's language."""
    yield f'digraph "{graph.name}" {{'
    yield "  rankdir=LR; node [shape=box];"
    yield f'  "{SOURCE}" [shape=folder];'
    for name in graph.order:
        job = graph.jobs[name]
        label = f"{name}\\n{job.team}" if job.team else name
        yield f'  "{name}" [label="{label}"];'
        for need in job.needs:
            yield f'  "{need}" -> "{name}";'
    yield "}"
