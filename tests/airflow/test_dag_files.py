"""The DAG files in ``dags/``: light to read, the same each time, and they run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from PIL import Image

from tests import pictures, videos
from tests.airflow.runs import run_dag
from tests.integration.songs import make_songs, spoil
from tests.samples import song

pytestmark = pytest.mark.airflow

DAGS = Path(__file__).resolve().parents[2] / "dags"
FILES = sorted(DAGS.glob("*.py"))
CLOUD = {
    "MEDIA_SUBSCRIPTION": "projects/test-project/subscriptions/uploads",
    "MEDIA_TOPIC": "projects/test-project/topics/uploads",
}
"""What ``uploads.py`` needs to make its DAG."""

IMAGE_JOBS = ("image_probe", "web", "thumbnail", "perceptual_hash")

HEAVY = (
    "apache_beam",
    "numpy",
    "pyarrow",
    "librosa",
    "scipy",
    "soundfile",
    "av",
    "PIL",
    "pandas",
    "google.cloud.storage",
)

READ = """
import json, sys, warnings
warnings.simplefilter("ignore")
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
bag = DagBag(dag_folder=sys.argv[1])
loaded = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
dags = {name: DagSerialization.to_dict(dag) for name, dag in sorted(bag.dags.items())}
print(json.dumps({"errors": bag.import_errors, "loaded": loaded, "dags": dags}, default=str))
"""


def read(file: Path, **environ: str) -> dict:
    """Read a DAG file as the DAG processor does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file), json.dumps(HEAVY)],
        env={**os.environ, **CLOUD, **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_reading_dag_files_lets_a_crash_of_the_tests_process_end_it(dag_folder):
    DagBag(dag_folder=str(FILES[0]))
    assert signal.getsignal(signal.SIGSEGV) is signal.SIG_DFL


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_reading_a_dag_file_loads_no_beam_and_no_signal_processing(file, dag_folder):
    found = read(file)
    assert found["errors"] == {}
    assert found["dags"]
    assert found["loaded"] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_reading_it_twice_makes_no_new_version(file, dag_folder):
    assert read(file, PYTHONHASHSEED="1")["dags"] == read(file, PYTHONHASHSEED="2")["dags"]


@pytest.fixture
def dags(dag_folder: Path) -> Iterator[Path]:
    """The project's DAG files where the tests' Airflow looks for DAGs."""
    copies = [Path(shutil.copy(file, dag_folder)) for file in (*FILES, *DAGS.glob("*.yaml"))]
    yield dag_folder
    for copy in copies:
        copy.unlink()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: an asset has one URI in an Airflow, so the registry's root must not move."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture
def songs(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Three songs, where the registry in ``dags/`` looks for them."""
    make_songs(root / "songs", ["rock/a", "rock/b", "jazz/c"])
    monkeypatch.setenv("MEDIA_ROOT", f"file://{root}/artifacts")
    monkeypatch.setenv("MEDIA_SONGS", f"file://{root}/songs")
    yield root / "songs"
    for folder in ("songs", "artifacts"):
        shutil.rmtree(root / folder)


@pytest.mark.beam
def test_the_reference_graph_runs_and_the_second_time_skips_every_job(songs, dags):
    first = run_dag(
        DAGS / "media.py", "media", conf={"items": ["rock/a", "jazz/c"], "targets": ["energy", "loudness"]}
    )
    assert first.state == "success"
    done = {job: counts["done"] for job, counts in first.xcoms["summary"].items()}
    assert done == {"downsample": 2, "loudness": 2, "beat_tracking": 2, "energy": 2}
    assert first.states["plots.run"] == "skipped"
    second = run_dag(
        DAGS / "media.py", "media", conf={"items": ["rock/a", "jazz/c"], "targets": ["energy", "loudness"]}
    )
    assert second.state == "success"
    runs = {state for task, state in second.states.items() if task.endswith(".run")}
    assert runs == {"skipped"}
    assert {counts["present"] for counts in second.xcoms["summary"].values()} == {2}


@pytest.mark.beam
def test_a_bad_song_reddens_the_run_and_the_others_go_all_the_way(songs, dags):
    spoil(songs, "rock/b")
    run = run_dag(dags / "media.py", "media", conf={"prefix": "rock/", "targets": ["energy"]})
    assert run.state == "failed"
    assert run.states["downsample.run"] == "failed"
    assert run.states["energy.run"] == "success"
    assert run.states["summary"] == "failed"
    artifacts = songs.parent / "artifacts"
    assert len(list((artifacts / "energy").rglob("a.json"))) == 1
    assert not list((artifacts / "energy").rglob("b.json"))


@pytest.mark.beam
def test_images_run_through_their_graph_and_a_bad_one_costs_itself(root, dags, monkeypatch):
    monkeypatch.setenv("MEDIA_ROOT", f"file://{root}/artifacts")
    monkeypatch.setenv("MEDIA_IMAGES", f"file://{root}/images")
    for number, item in enumerate(("trip/a", "trip/b", "trip/c")):
        image = pictures.write_image(root / "images" / f"{item}.jpg", pictures.scene(number, 2000, 1500))
    image.write_bytes(image.read_bytes()[:5000])
    run = run_dag(dags / "images.py", "images", conf={"prefix": "trip/"})
    assert run.state == "failed"
    artifacts = root / "artifacts"
    made = {job: sorted(path.name for path in (artifacts / job).rglob("*.*")) for job in IMAGE_JOBS}
    assert made == {
        "image_probe": ["a.json", "b.json"], "web": ["a.webp", "b.webp"],
        "thumbnail": ["a.jpg", "b.jpg"], "perceptual_hash": ["a.json", "b.json"],
    }  # fmt: skip
    with Image.open(next((artifacts / "web").rglob("a.webp"))) as web:
        assert web.size == (1600, 1200)
    with Image.open(next((artifacts / "thumbnail").rglob("a.jpg"))) as thumbnail:
        assert thumbnail.size == (256, 192)


@pytest.mark.beam
def test_the_sound_of_videos_runs_through_the_audio_graph(root, dags, monkeypatch):
    monkeypatch.setenv("MEDIA_ROOT", f"file://{root}/artifacts")
    monkeypatch.setenv("MEDIA_VIDEOS", f"file://{root}/videos")
    (root / "videos").mkdir()
    sound = videos.Sound(samples=song(120, 8, rate=videos.RATE)[0], codec="aac")
    videos.write_numbered(root / "videos" / "clip.mp4", frames=192, sounds=[sound])
    run = run_dag(dags / "video.py", "video", conf={"items": ["clip"]})
    assert run.state == "success"
    assert {counts["done"] for counts in run.xcoms["summary"].values()} == {1}
    assert len(run.xcoms["summary"]) == 7

    def told(job):
        return json.loads(next((root / "artifacts" / job).rglob("clip.json")).read_text())

    assert told("video_beats")["tempo_bpm"] == pytest.approx(120, abs=3)
    assert told("keyframes")["frames"] == 192
    assert told("video_loudness")["duration_s"] == pytest.approx(8, abs=0.05)


@pytest.mark.beam
def test_the_team_dag_runs_with_its_own_tasks_around(songs, dags):
    run = run_dag(dags / "weekly_features.py", "weekly_features")
    assert run.state == "success"
    assert run.xcoms["features.summary"]["energy"]["done"] == 2
    assert run.states["publish"] == "success"
    assert run.events["media.media.energy"]["done"] == 2
