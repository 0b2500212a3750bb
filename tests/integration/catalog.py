"""The folder that the DAGs of ``dags/`` read songs from and write artifacts to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_media_provider.storage.store import is_temporary
from tests.integration.songs import make_songs, spoil

if TYPE_CHECKING:
    from tests.airflow_env import AirflowClient, DagRun


class Catalog:
    """Songs and artifacts of one session; each test has its songs in a folder of its own.

    :param folder: ``MEDIA_TEST_FOLDER`` of the DAGs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, items: Iterable[str], *, seconds: float = 2.0) -> list[str]:
        """Make a song per item and return the items."""
        made = list(items)
        make_songs(self.folder / "songs", made, seconds=seconds)
        return made

    def spoil(self, item: str) -> None:
        """Turn an item's song into text."""
        spoil(self.folder / "songs", item)

    def write_list(self, name: str, items: Iterable[str]) -> str:
        """Write a list file of items and return its path."""
        path = self.folder / "lists" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{item}\n" for item in items))
        return str(path)

    def made(self, job: str, under: str) -> dict[str, Path]:
        """Return item -> finished artifact of a job, for the items below ``under``."""
        made = finished(self.folder / "artifacts" / job)
        return {item: path for item, path in made.items() if item.startswith(f"{under}/")}

    @property
    def diary(self) -> list[str]:
        """Items in the order in which the slow step was called with them."""
        path = self.folder / "diary.txt"
        return path.read_text().split() if path.exists() else []


def finished(job: Path) -> dict[str, Path]:
    """Return item -> artifact, whole ones alone, of all fingerprints in the folder of a job."""
    return {
        path.relative_to(fingerprint).with_suffix("").as_posix(): path
        for fingerprint in job.glob("*")
        for path in fingerprint.rglob("*")
        if path.is_file() and not is_temporary(path.name)
    }


def counts(client: AirflowClient, run: DagRun) -> dict[str, dict[str, int]]:
    """Return what the run's summary handed on: job -> count by outcome."""
    return dict(client.xcoms(run, "summary")["return_value"])


def outcome(client: AirflowClient, run: DagRun, job: str) -> dict[str, int]:
    """Return one job's stored outcome, which is there for a red run too."""
    folder = Path(client.xcoms(run, "plan")["return_value"]["plan"].removeprefix("file://"))
    return dict(json.loads((folder / "jobs" / job / "outcome.json").read_text())["counts"])
