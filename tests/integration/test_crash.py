"""A task that is killed in its middle: the next try does the rest, and nobody is left behind."""

from __future__ import annotations

from collections import Counter

import psutil
import pytest

from tests.airflow_env import AirflowClient, AirflowEnv
from tests.integration.catalog import Catalog, counts
from tests.waiting import wait_until

pytestmark = pytest.mark.scheduler

ITEMS = 12


def victims(who: str, worker: psutil.Process) -> list[psutil.Process]:
    """Return what is killed: the tree is LocalExecutor's process, the task's, the Beam worker."""
    task = worker.parent()
    executor = task.parent()
    return {"beam worker": [worker], "task": [task], "task and executor": [executor, task]}[who]


@pytest.mark.parametrize("who", ["beam worker", "task", "task and executor"])
def test_a_kill_loses_nothing_and_repeats_nothing(
    airflow: AirflowClient, airflow_env: AirflowEnv, catalog: Catalog, who: str
) -> None:
    folder = f"killed-{who.replace(' ', '-')}"
    items = catalog.add(f"{folder}/{number:02}" for number in range(ITEMS))
    run = airflow.trigger("slow", {"items": items})
    wait_until(lambda: len(catalog.made("slow", folder)) >= 3, every=0.05, what="no artifacts appeared")
    (worker,) = airflow_env.beam_workers()
    family = [worker, *worker.children(recursive=True)]
    assert len(family) > 1
    for victim in victims(who, worker):
        victim.kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive, f"outlived the kill of {who}: {alive}"
    before = {item: path.stat().st_mtime_ns for item, path in catalog.made("slow", folder).items()}
    assert 3 <= len(before) < ITEMS, "killed too late to show anything"

    run = airflow.wait_for_run(run)
    assert run.state == "success", airflow.task_states(run)
    made = catalog.made("slow", folder)
    assert set(made) == set(items)
    assert {item: made[item].stat().st_mtime_ns for item in before} == before
    calls = Counter(item for item in catalog.diary if item.startswith(f"{folder}/"))
    assert {item: calls[item] for item in before} == dict.fromkeys(before, 1)
    assert calls.total() <= ITEMS + 1, "only the item that was being worked on may be called again"
    assert counts(airflow, run)["slow"] == {
        "done": ITEMS - len(before), "present": len(before), "failed": 0, "blocked": 0,
    }  # fmt: skip
    assert airflow_env.beam_workers() == []
