"""A real Airflow in a folder of its own."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import httpx
import psutil

from tests.airflow_env.client import AirflowClient
from tests.airflow_env.components import COMPONENTS, INIT_COMMAND
from tests.airflow_env.ports import free_ports
from tests.airflow_env.postgres import Postgres
from tests.airflow_env.processes import kill_all, kill_until_none, processes_with, start_process, stop_groups

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvSettings:
    """What differs between one Airflow and another.

    :param home: its ``AIRFLOW_HOME``; made when it is not there.
    :param dags: folder of DAG files.
    :param database: ``postgres`` (thrown away at the end) or ``sqlite`` (kept in ``home``).
    :param parallelism: tasks at a time.
    :param login: ask for ``admin`` and ``AirflowEnv.password``; else everybody is an administrator.
    :param extra: more environment variables for every component and task.
    """

    home: Path
    dags: Path
    database: str = "postgres"
    parallelism: int = 4
    login: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)


class AirflowEnv:
    """Starts the components, waits until they are healthy, and leaves no process behind.

    :param settings: see :class:`EnvSettings`.
    """

    def __init__(self, settings: EnvSettings) -> None:
        self.settings = settings
        self.home = settings.home
        self.logs = self.home / "component-logs"
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = AirflowClient(self.url)
        self._postgres: Postgres | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.password = secrets.token_urlsafe(9)
        self._secrets = {name: secrets.token_hex(32) for name in ("api", "jwt")}

    def __enter__(self) -> AirflowEnv:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *, patience: float = 240.0) -> None:
        """Start everything and return when every component says that it is healthy."""
        self.logs.mkdir(parents=True, exist_ok=True)
        if self.settings.database == "postgres":
            self._postgres = Postgres()
            self._postgres.start()
        if self.settings.login:
            self._passwords.touch(mode=0o600)
            self._passwords.write_text(json.dumps({"admin": self.password}))
        self.run(*INIT_COMMAND)
        for name in COMPONENTS:
            self.start_component(name)
        self._wait_until_healthy(patience)

    def kill(self, name: str) -> None:
        """Kill a component and its children at once, as a lost machine does."""
        process = self._processes.pop(name)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        kill_all(family)
        process.wait()

    def start_component(self, name: str) -> None:
        """Start a component that was killed."""
        self._processes[name] = start_process(
            self._command(COMPONENTS[name]), log=self.log_of(name), env=self.environ(), cwd=self.home
        )

    def stop(self) -> None:
        """Stop everything, whatever state it is in; safe to call twice."""
        self.client.close()
        stop_groups(self._processes.values())
        kill_until_none(self.leftovers)
        self._processes.clear()
        if self._postgres is not None:
            self._postgres.stop()
            self._postgres = None

    def run(
        self, *command: str, check: bool = True, timeout: float = 600, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one command, as ``airflow backfill create …``, in this Airflow's environment."""
        done = subprocess.run(
            self._command(command),
            env=self.environ(),
            cwd=self.home,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            said = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
            raise RuntimeError(f"{' '.join(command)} failed ({done.returncode}):\n{said}")
        return done

    def environ(self) -> dict[str, str]:
        """Return the environment of every component; an Airflow of the user's own has no part in it."""
        base = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        base.pop(
            "PYTHONDONTWRITEBYTECODE", None
        )  # without bytecode every process takes twice as long to start
        base["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{base.get('PATH', '')}"
        return {**base, **self._settings_as_environ(), **self.settings.extra}

    def leftovers(self) -> list[psutil.Process]:
        """Return the processes that belong to this Airflow and are still there."""
        return processes_with("AIRFLOW_HOME", str(self.home))

    def beam_workers(self) -> list[psutil.Process]:
        """Return the Beam workers of this Airflow's tasks, without the children that run their steps."""
        found = []
        for process in self.leftovers():
            with contextlib.suppress(psutil.Error):
                if "beam_jobs.run" in process.cmdline():
                    found.append(process)
        return found

    def log_of(self, component: str) -> Path:
        """Return the file with what one component printed."""
        return self.logs / f"{component}.log"

    def tail(self, lines: int = 40) -> str:
        """Return the end of every component's log, for a failure message."""
        parts = []
        for path in sorted(self.logs.glob("*.log")):
            text = path.read_text(errors="replace").splitlines()[-lines:]
            parts.append(f"--- {path.name}\n" + "\n".join(text))
        return "\n".join(parts)

    @property
    def _passwords(self) -> Path:
        """The simple auth manager's file: it makes passwords only for users that are not in it."""
        return self.home / "passwords.json"

    def _command(self, command: Sequence[str]) -> list[str]:
        """Return ``command`` with this environment's own ``airflow``, whatever the PATH says."""
        first, *rest = command
        own = Path(sys.executable).parent / first
        return [str(own) if own.exists() else first, *rest]

    def _settings_as_environ(self) -> dict[str, str]:
        database = self._postgres.url if self._postgres else f"sqlite:///{self.home}/airflow.db"
        values = {
            ("core", "dags_folder"): self.settings.dags,
            ("core", "executor"): "LocalExecutor",
            ("core", "load_examples"): False,
            ("core", "parallelism"): self.settings.parallelism,
            ("core", "fernet_key"): base64.urlsafe_b64encode(bytes.fromhex(self._secrets["api"])).decode(),
            ("core", "simple_auth_manager_all_admins"): not self.settings.login,
            ("core", "simple_auth_manager_users"): "admin:admin",
            ("core", "simple_auth_manager_passwords_file"): self._passwords,
            # Its default is port 8080, where a task would find somebody else's Airflow, or none.
            ("core", "execution_api_server_url"): f"{self.url}/execution/",
            ("database", "sql_alchemy_conn"): database,
            ("api", "host"): "127.0.0.1",
            ("api", "port"): self.port,
            ("api", "base_url"): self.url,
            ("api", "workers"): 1,
            ("api", "secret_key"): self._secrets["api"],
            ("api_auth", "jwt_secret"): self._secrets["jwt"],
            ("logging", "base_log_folder"): self.home / "logs",
            ("dag_processor", "refresh_interval"): 10,
            ("dag_processor", "min_file_process_interval"): 15,
            ("scheduler", "scheduler_idle_sleep_time"): 0.2,
            ("scheduler", "task_instance_heartbeat_timeout"): 30,
            ("scheduler", "task_instance_heartbeat_timeout_detection_interval"): 2,
            ("scheduler", "catchup_by_default"): False,
            # A task that is not answered in time for a while, on a busy machine, would be killed.
            ("workers", "execution_api_timeout"): 60,
            ("workers", "max_failed_heartbeats"): 10,
            # Else a scheduled example would take part in every demo and test.
            ("core", "dags_are_paused_at_creation"): True,
            ("usage_data_collection", "enabled"): False,
        }
        named = {f"AIRFLOW__{s}__{k}".upper(): str(value) for (s, k), value in values.items()}
        return {
            **named,
            "AIRFLOW_HOME": str(self.home),
            "SCARF_ANALYTICS": "false",
            "PYTHONPATH": str(PROJECT),
        }

    def _wait_until_healthy(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        health: dict[str, str | None] = {}
        while time.monotonic() < deadline:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}; logs:\n{self.tail()}")
            try:
                health = self.client.health()
            except httpx.HTTPError:
                health = {}
            if health and all(status == "healthy" for status in health.values()):
                return
            time.sleep(0.25)
        raise RuntimeError(f"Airflow was not healthy after {patience:g} s: {health}; logs:\n{self.tail()}")
