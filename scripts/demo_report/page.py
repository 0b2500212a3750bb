"""From facts to one HTML page: pictures and songs are inside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from airflow_media_provider.storage import Stores
from scripts.demo_report.drawing import loudness, waveform
from scripts.demo_report.gather import ItemFacts, RunFacts, gather, gather_items

LARGEST_SONG = 2_000_000
"""Bytes; a longer song is named, not embedded."""


def write_report(runs: Sequence[str], out: Path) -> None:
    """Write the page of some runs.

    :param runs: URIs of run folders, newest first; every item is shown once.
    """
    stores = Stores()
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), trim_blocks=True
    )
    templates.filters["data_uri"] = _data_uri
    facts = [gather(uri, stores) for uri in runs]
    page = templates.get_template("page.html").render(
        runs=[_run(run) for run in facts],
        items=[_item(item) for item in gather_items(facts, stores)],
        made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    part.write_text(page, encoding="utf-8")
    part.replace(out)


def _run(run: RunFacts) -> dict[str, Any]:
    return {
        "id": run.plan.run_id,
        "folder": run.plan.layout.uri,
        "jobs": run.jobs,
        "slowest": max((sum(job.clock.values()) for job in run.jobs), default=0) or 1,
        "planned_at": run.plan.planned_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        "losses": run.losses,
        "rejected": run.rejected,
    }


def _item(item: ItemFacts) -> dict[str, Any]:
    beats, loud, energy = (item.results.get(step, {}) for step in ("beat_tracking", "loudness", "energy"))
    facts: dict[str, Any] = {"item": item.item, "seconds": item.seconds, "plot": item.plot, "rows": item.rows}
    facts["song"] = item.song if item.song and len(item.song) <= LARGEST_SONG else None
    facts["tempo"] = beats.get("tempo_bpm")
    facts["beats"] = len(beats.get("beats_s", ()))
    facts["loud"] = loud
    facts["clock"] = sum(sum(row.seconds.values()) for row in item.rows)
    if item.envelope is not None:
        facts["waveform"] = Markup(waveform(item.envelope, beats.get("beats_s", ()), item.seconds))  # noqa: S704
    if loud:
        bars = [(beat["start_s"], beat["end_s"], beat["rms_dbfs"]) for beat in energy.get("beats", ())]
        facts["loudness"] = Markup(  # noqa: S704 - made of numbers only
            loudness(
                loud.get("short_term_lufs", ()), loud.get("short_term_step_s", 1.0),
                loud.get("integrated_lufs"), item.seconds, bars,
            )
        )  # fmt: skip
    return facts


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
