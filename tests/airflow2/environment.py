"""A real Airflow 2 in the environment that is made for it; its workers are those of the project's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.airflow_env.postgres import Postgres
from tests.airflow_env.processes import kill_until_none, processes_with, start_process, stop_groups

PROJECT = Path(__file__).resolve().parents[2]
VENV = PROJECT / ".venv-airflow2"


class Airflow2:
    """An Airflow 2 with Postgres, whose DAGs are those of this folder.

    :param home: a new folder.
    :param extra: more of the environment of all that it starts.
    """

    def __init__(self, home: Path, extra: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._extra = dict(extra or {})
        self.dags = home / "dags"
        self._postgres = Postgres()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Make the database and the DAG folder, and read the DAGs."""
        shutil.copytree(PROJECT / "tests" / "airflow2" / "dags", self.dags)
        shutil.copy(PROJECT / "dags" / "media_jobs.yaml", self.dags)
        self._postgres.start()
        self.run("db", "migrate")
        self.run("dags", "reserialize")

    def start_components(self) -> None:
        """Start scheduler and triggerer, unless they run."""
        if self._processes:
            return
        for name in ("scheduler", "triggerer"):
            command = [str(VENV / "bin" / "airflow"), name, "--skip-serve-logs"]
            log = self.home / f"{name}.log"
            self._processes.append(start_process(command, log=log, env=self.environ(), cwd=self.home))

    def stop(self) -> None:
        """Stop everything."""
        stop_groups(self._processes)
        kill_until_none(self.leftovers)
        self._postgres.stop()

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run an ``airflow`` command."""
        done = subprocess.run(
            [str(VENV / "bin" / "airflow"), *command],
            env=self.environ(), cwd=self.home, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def ask(self, *command: str) -> Any:
        """Return what a command says as JSON."""
        said = self.run(*command, "--output", "json").stdout
        return json.JSONDecoder().raw_decode(said, said.index("[{"))[0]

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the runs of a DAG, newest first."""
        try:
            return list(self.ask("dags", "list-runs", "--dag-id", dag_id))
        except ValueError:  # it says "No data found"
            return []

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return task -> state of a run."""
        rows = self.ask("tasks", "states-for-dag-run", dag_id, run_id)
        return {row["task_id"]: row["state"] for row in rows}

    def media(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the provider's commands, as Airflow 2 lets it be run."""
        command = [str(VENV / "bin" / "python"), "-m", "airflow_media_provider.cli", *words]
        return subprocess.run(
            command, env=self.environ(), cwd=self.dags, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip

    def python(self, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run Python code in the environment of Airflow 2."""
        return subprocess.run(
            [str(VENV / "bin" / "python"), "-W", "ignore", "-c", code],
            env={**self.environ(), **environ}, cwd=self.home, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip

    def leftovers(self) -> list[psutil.Process]:
        """Return processes of this Airflow that are still there."""
        return processes_with("AIRFLOW_HOME", str(self.home))

    def environ(self) -> dict[str, str]:
        """Return the environment of every command and component."""
        base = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        base.pop("PYTHONDONTWRITEBYTECODE", None)
        values = {
            ("core", "dags_folder"): self.dags,
            ("core", "executor"): "LocalExecutor",
            ("core", "load_examples"): False,
            ("core", "parallelism"): 4,
            ("core", "dags_are_paused_at_creation"): False,
            ("database", "sql_alchemy_conn"): self._postgres.url,
            ("logging", "base_log_folder"): self.home / "logs",
            ("scheduler", "min_file_process_interval"): 5,
            ("scheduler", "dag_dir_list_interval"): 5,
            ("usage_data_collection", "enabled"): False,
            # Where the worker's packages are.
            ("media", "python"): sys.executable,
        }
        return {
            **base,
            **{f"AIRFLOW__{s}__{k}".upper(): str(value) for (s, k), value in values.items()},
            "AIRFLOW_HOME": str(self.home),
            "PATH": f"{VENV / 'bin'}{os.pathsep}{base.get('PATH', '')}",
            "PYTHONPATH": str(PROJECT),
            "PYTHONWARNINGS": "ignore",
            "MEDIA_SONGS": f"file://{self.home}/songs",
            "MEDIA_ROOT": f"file://{self.home}/artifacts",
            **self._extra,
        }
