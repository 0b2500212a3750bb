"""An initialised Airflow in the tests' own home, and real DAG runs in this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beam_jobs.contract.address import Address
from tests.airflow.runs import Run, run_dag
from tests.integration.songs import make_songs

REGISTRY = """
version: 1
name: t
root: file://{folder}/artifacts
source: {{uri: "file://{folder}/songs/{{item}}.ogg"}}
jobs:
  downsample: {{step: downsample, needs: [source], team: platform{downsample}}}
  loudness: {{step: loudness, needs: [source]{loudness}}}
  energy: {{step: energy, needs: [downsample, beat_tracking]{energy}}}
  beat_tracking: {{step: beat_tracking, needs: [downsample]}}
"""


@pytest.fixture(autouse=True)
def quick_to_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let deferred tasks go on at once: in these tests there is no scheduler that they could overtake."""
    monkeypatch.setattr("airflow_media_provider.triggers.settle.SETTLE_S", 0.0)


class Catalog:
    """Songs, a registry beside the DAG files that name it, and runs over them."""

    def __init__(self, folder: Path, dags: Path) -> None:
        self.folder = folder
        self.songs = folder / "songs"
        self._dags = dags
        self._files: list[Path] = []

    @property
    def registry(self) -> str:
        """Path of the registry."""
        return str(self.folder / "registry.yaml")

    def write_registry(self, **more: str) -> None:
        """Write the registry; ``more`` adds keys to a job: ``loudness=", max_failed: 1"``."""
        keys = {"downsample": "", "loudness": "", "energy": "", **more}
        (self.folder / "registry.yaml").write_text(REGISTRY.format(folder=self.folder, **keys))

    def artifacts(self, job: str) -> list[str]:
        """Return the names of a job's artifacts."""
        return sorted(path.name for path in (self.folder / "artifacts" / job).rglob("*") if path.is_file())

    def run(self, body: str, *, dag_id: str, conf: dict[str, Any] | None = None, **more: Any) -> Run:
        """Run a DAG whose tasks are ``body``, in a file of the DAG folder."""
        path = self._dags / f"{dag_id}.py"
        path.write_text(f"{HEADER}REGISTRY = {self.registry!r}\nwith DAG({dag_id!r}, schedule=None):\n{body}")
        if path not in self._files:
            self._files.append(path)
        return run_dag(path, dag_id, conf=conf, **more)

    def address(self, job: str) -> Address:
        """Return where a job's artifacts are."""
        from airflow_media_provider.registry.load import load_registry
        from airflow_media_provider.registry.recipe import recipe

        return recipe(load_registry(self.registry), job).address

    @staticmethod
    def write_later(uri: str, *, seconds: float) -> threading.Timer:
        """Write a local file after a while, from another thread."""
        path = Path(uri.removeprefix("file://"))

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")

        timer = threading.Timer(seconds, write)
        timer.start()
        return timer

    @staticmethod
    def read(uri: str) -> str:
        """Return the text of a local file by its URI."""
        return Path(uri.removeprefix("file://")).read_text()

    def close(self) -> None:
        """Remove the DAG files, which the next run would read too."""
        for path in self._files:
            path.unlink()


HEADER = """
from airflow.sdk import DAG, Asset, task
from airflow_media_provider.dag_factory import MediaTaskGroup
from airflow_media_provider.operators.media import MediaBeamOperator, MediaPlanOperator, MediaSummaryOperator
from airflow_media_provider.sensors.media import MediaOutputSensor

PLAN = "{{ (ti.xcom_pull(task_ids='plan') or {}).get('plan') or '' }}"
"""


@pytest.fixture(scope="session")
def dag_folder() -> Path:
    """The DAG folder of an Airflow whose database is ready."""
    from airflow.utils.db import initdb

    initdb()
    folder = Path(os.environ["AIRFLOW_HOME"]) / "dags"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def catalog(tmp_path: Path, dag_folder: Path) -> Iterator[Catalog]:
    """Two songs of two seconds and a registry of four jobs."""
    made = Catalog(tmp_path, dag_folder)
    make_songs(made.songs, ["a", "rock/b"])
    made.write_registry()
    yield made
    made.close()


@pytest.fixture
def spoil_song(catalog: Catalog) -> Callable[[str], None]:
    """Turn an item's song into text."""
    from tests.integration.songs import spoil

    return lambda item: spoil(catalog.songs, item)
