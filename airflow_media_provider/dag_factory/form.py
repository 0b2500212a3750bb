"""The trigger form of a media DAG: Airflow's params, validated by Airflow before a run is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_media_provider.compat import Param

FILES, WORK, LIMITS = "Files (one of three)", "What to do", "Limits"


def trigger_form(
    jobs: Sequence[str],
    *,
    targets: Sequence[str] = (),
    mode: str = "bottom-up",
    force: Sequence[str] = (),
    force_all: bool = False,
    ping: bool = False,
    dry_run: bool = False,
    limit: int | None = None,
) -> dict[str, Param]:
    """Return the params; a value given here is what the form shows first.

    :param jobs: names that the form offers.
    """
    names = list(jobs)
    return {
        "items": _param(
            [], "Items", "Item ids or URIs of source files, **one per line**.",
            FILES, type="array", items={"type": "string"},
        ),
        "items_uri": _param(
            None, "List file",
            "URI of a list: text (one per line), CSV, JSON Lines or Parquet with the column `item`. "
            "`{{ ds }}` is filled in, so that a backfill takes one list per date.",
            FILES, type=["null", "string"],
        ),
        "prefix": _param(
            None, "Prefix or glob",
            "Where item ids begin (`rock/`), or a glob (`rock/**/live-*`). `{{ ds }}` is filled in.",
            FILES, type=["null", "string"],
        ),
        "targets": _param(
            list(targets), "Target jobs",
            "None = the jobs at the end of the graph.",
            WORK, type="array", items={"type": "string"}, examples=names,
        ),
        "mode": _param(
            mode, "Mode",
            "`bottom-up`: the targets and their missing ancestors. `top-down`: the targets and all that "
            "depends on them. `only`: the targets.",
            WORK, type="string", enum=["bottom-up", "top-down", "only"],
        ),
        "force": _param(
            list(force), "Force",
            "Do these jobs again, with what depends on them on the line.",
            WORK, type="array", items={"type": "string"}, examples=names,
        ),
        "force_all": _param(force_all, "Force all", "Do the whole line again.", WORK, type="boolean"),
        "ping": _param(ping, "Ping", "Trace the items through the graph, do no work.", WORK, type="boolean"),
        "dry_run": _param(dry_run, "Dry run", "Only plan.", WORK, type="boolean"),
        "limit": _param(
            limit, "Limit", "At most so many items, the first ones.",
            LIMITS, type=["null", "integer"], minimum=1,
        ),
    }  # fmt: skip


def _param(default: Any, title: str, text: str, section: str, **schema: Any) -> Param:
    return Param(default, title=title, description_md=text, section=section, **schema)
