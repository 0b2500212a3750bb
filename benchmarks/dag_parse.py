"""What the factory costs the DAG processor: 200 DAGs of the reference graph against the same written by hand.

Both files make the same DAG ids, tasks, arrows, form and assets with the same operators; the hand-written one
has no registry and no factory. Each is read in a process of its own, as the DAG processor does, in turn, several
rounds; CPU seconds are compared, for other work on the machine does not count into them. Reading (the file is
executed) and serialising (what is stored in the database) are told apart.

    python -m benchmarks.dag_parse
"""

# ruff: noqa: E501 - the DAG files inside are text

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
DAGS = 200
ROUNDS = 5

BY_FACTORY = """
from airflow_media_provider.dag_factory import media_dags

for number in range({dags}):
    globals().update(media_dags({registry!r}, dag_id=f"media_{{number:03d}}"))
"""

BY_HAND = """
from airflow.sdk import DAG, Asset, Param, TaskGroup

from airflow_media_provider.operators.media import MediaBeamOperator, MediaPlanOperator, MediaSummaryOperator
from airflow_media_provider.sensors.media import MediaOutputSensor
from airflow_media_provider.timetables import BackfillTimetable

PARENTS = {parents!r}
FILES, WORK, LIMITS = "Files (one of three)", "What to do", "Limits"
STRINGS = {{"type": "array", "items": {{"type": "string"}}}}


def form():
    names = list(PARENTS)
    return {{
        "items": Param([], title="Items", description_md="One per line.", section=FILES, **STRINGS),
        "items_uri": Param(None, title="List file", description_md="URI.", section=FILES, type=["null", "string"]),
        "prefix": Param(None, title="Prefix", description_md="Prefix.", section=FILES, type=["null", "string"]),
        "targets": Param([], title="Targets", description_md="Jobs.", section=WORK, examples=names, **STRINGS),
        "mode": Param("bottom-up", title="Mode", description_md="Mode.", section=WORK, type="string",
                      enum=["bottom-up", "top-down", "only"]),
        "force": Param([], title="Force", description_md="Jobs.", section=WORK, examples=names, **STRINGS),
        "force_all": Param(False, title="All", description_md="All.", section=WORK, type="boolean"),
        "ping": Param(False, title="Ping", description_md="Trace.", section=WORK, type="boolean"),
        "dry_run": Param(False, title="Dry run", description_md="Plan.", section=WORK, type="boolean"),
        "limit": Param(None, title="Limit", description_md="Most.", section=LIMITS, type=["null", "integer"],
                       minimum=1),
    }}


for number in range({dags}):
    with DAG(f"media_{{number:03d}}", schedule=BackfillTimetable(), params=form(), tags=["media"],
             catchup=False) as dag:
        where = "{{{{ (ti.xcom_pull(task_ids='plan') or {{}}).get('plan') or '' }}}}"
        plan = MediaPlanOperator(task_id="plan", registry={registry!r}, use_params=True, doc_md="Plan.")
        summary = MediaSummaryOperator(task_id="summary", plan=where)
        runs = {{}}
        for job, parents in PARENTS.items():
            with TaskGroup(group_id=job):
                outputs = MediaOutputSensor(task_id="outputs", job=job, plan=where, min_coverage=0,
                                            deferrable=False, trigger_rule="all_done")
                asset = Asset(name=f"media.media.{{job}}", uri=f"file:///data/artifacts/{{job}}", group="media")
                run = MediaBeamOperator(task_id="run", job=job, plan=where, manifest=outputs.output,
                                        outlets=[asset], trigger_rule="none_failed")
            plan >> outputs >> run >> summary
            for parent in parents:
                runs[parent] >> outputs
            runs[job] = run
    globals()[dag.dag_id] = dag
"""

READ = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
import airflow_media_provider.operators.media, airflow_media_provider.sensors.media, airflow_media_provider.timetables
started = time.process_time()
bag = DagBag(dag_folder=sys.argv[1])
read = time.process_time() - started
assert not bag.import_errors, bag.import_errors
started = time.process_time()
size = sum(len(json.dumps(DagSerialization.to_dict(dag), default=str)) for dag in bag.dags.values())
stored = time.process_time() - started
tasks = sum(len(dag.tasks) for dag in bag.dags.values())
print(json.dumps({"read": read, "stored": stored, "dags": len(bag.dags), "tasks": tasks, "bytes": size}))
"""


def main() -> None:
    """Measure and write the results."""
    with tempfile.TemporaryDirectory(prefix="dag-parse-") as folder:
        files = write_files(Path(folder))
        rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in files}
        for number in range(ROUNDS):
            for name in sorted(files, reverse=bool(number % 2)):
                rounds[name].append(read(files[name], Path(folder)))
    write_results(rounds)


def write_files(folder: Path) -> dict[str, Path]:
    """Write both DAG files, each in a folder of its own."""
    from airflow_media_provider.registry.load import load_registry

    os.environ["MEDIA_ROOT"] = "file:///data/artifacts"
    registry = str(PROJECT / "dags" / "media_jobs.yaml")
    graph = load_registry(registry)
    parents = {job: graph.jobs[job].parents for job in graph.order}
    files = {}
    for name, text in (("factory", BY_FACTORY), ("hand", BY_HAND)):
        files[name] = folder / name / "dags.py"
        files[name].parent.mkdir()
        files[name].write_text(text.format(dags=DAGS, registry=registry, parents=parents))
    return files


def read(file: Path, home: Path) -> dict[str, Any]:
    """Read one DAG file in a new process."""
    environ = {**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    command = [sys.executable, "-c", READ, str(file)]
    done = subprocess.run(command, env=environ, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def write_results(rounds: dict[str, list[dict[str, Any]]]) -> None:
    """Write medians, and the median of each round's ratio."""
    medians = {
        name: {key: statistics.median(row[key] for row in rows) for key in ("read", "stored")}
        for name, rows in rounds.items()
    }
    ratios = {
        key: statistics.median(
            made[key] / hand[key] for made, hand in zip(rounds["factory"], rounds["hand"], strict=True)
        )
        for key in ("read", "stored")
    }
    facts = rounds["factory"][0]
    RESULTS.mkdir(exist_ok=True)
    data = {"dags": facts["dags"], "tasks": facts["tasks"], "median_cpu_seconds": medians, "ratio": ratios}
    (RESULTS / "dag_parse.json").write_text(json.dumps(data, indent=1) + "\n")
    table = [
        "# Reading DAG files",
        "",
        f"{facts['dags']} DAGs of the reference graph, {facts['tasks']} tasks, {ROUNDS} rounds in turn, CPU seconds.",
        "`python -m benchmarks.dag_parse` repeats it.",
        "",
        "| | by `media_dags` | by hand | ratio |",
        "|---|---|---|---|",
        *(
            f"| {label} | {medians['factory'][key]:.2f} | {medians['hand'][key]:.2f} | {ratios[key]:.2f} |"
            for key, label in (("read", "read the file"), ("stored", "serialise the DAGs"))
        ),
        "",
        "Serialising is dear by hand because Airflow copies the form to every task; the factory keeps it once.",
    ]
    (RESULTS / "dag_parse.md").write_text("\n".join(table) + "\n")
    print("\n".join(table))


if __name__ == "__main__":
    main()
