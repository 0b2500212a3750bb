"""The report of real runs: of songs, and of things that cannot be run."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from airflow_media_provider.registry.load import load_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.here import plan_and_save, run_here
from airflow_media_provider.runs.request import parse_request
from airflow_media_provider.storage import Stores
from scripts.demo_report import earlier_work, write_report
from scripts.demo_songs import make_songs

pytestmark = pytest.mark.beam

REGISTRY = Path(__file__).resolve().parents[3] / "dags" / "media_jobs.yaml"
SONG, SPEECH, TEXT, NOWHERE, NO_ITEM = (
    "rock/open_road", "speech/on_planning", "text <b>&amp;", "not/there", "../up",
)  # fmt: skip
VOID = {"meta", "img", "br", "line", "rect", "polygon", "polyline"}


@dataclass
class Demo:
    """Songs and what runs made of them."""

    folder: Path
    uris: list[str] = field(default_factory=list)

    def run(self, *items: str) -> str:
        graph, stores = load_registry(str(REGISTRY)), Stores()
        request = parse_request({"items": list(items), "targets": list(graph.order)})
        plan = plan_and_save(graph, request, stores=stores, run_id=f"run-{len(self.uris)}")
        run_here(plan, stores=stores, python=sys.executable, on_event=lambda _: None, on_line=print)
        self.uris.append(plan.layout.uri)
        return plan.layout.uri

    def artifact(self, job: str, item: str) -> bytes:
        address = recipe(load_registry(str(REGISTRY)), job).address.of(item)
        return Path(address.removeprefix("file://")).read_bytes()


class Page(HTMLParser):
    """What is in a page; fails on tags that do not match.

    :param articles: item -> tags with their attributes inside its article, and its text.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(self.source)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("style", "script"):
            self.text += f" {data}"

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def all(self, tag: str, kind: str | None = None) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag and kind in (None, attrs.get("class"))]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    make_songs(folder / "songs", seconds=8, count=1)
    (folder / "songs" / f"{TEXT}.ogg").write_text("this is no song\n" * 50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIA_ROOT", f"file://{folder}/artifacts")
        patch.setenv("MEDIA_SONGS", f"file://{folder}/songs")
        demo = Demo(folder)
        demo.run(SONG, SPEECH, TEXT, NOWHERE, NO_ITEM)
        demo.run(SONG, SPEECH)
        yield demo


@pytest.fixture(scope="module")
def page(demo):
    write_report(demo.uris[:1], demo.folder / "new" / "report.html")
    return Page(demo.folder / "new" / "report.html")


def test_the_page_needs_no_other_file(page):
    for tag, attrs in page.tags:
        assert tag not in ("link", "script", "iframe")
        for name in ("src", "href", "srcset", "data"):
            assert (attrs.get(name) or "data:").startswith("data:")
    assert "@import" not in page.source
    assert not re.search(r"url\((?!data:)", page.source)


def test_each_song_can_be_heard(page, demo):
    heard = [base64.b64decode(attrs["src"].partition("base64,")[2]) for attrs in page.all("audio")]
    files = [(demo.folder / "songs" / f"{item}.ogg").read_bytes() for item in (SONG, SPEECH, TEXT)]
    assert heard[:2] == files[:2]


def test_each_beat_is_a_line_over_the_waveform(page, demo):
    beats = [json.loads(demo.artifact("beat_tracking", item))["beats_s"] for item in (SONG, SPEECH)]
    lines = [float(attrs["x1"]) for attrs in page.all("line", "beat")]
    assert len(lines) == sum(map(len, beats))
    assert lines[0] == pytest.approx(beats[0][0] / 8 * 800, abs=0.1)
    assert len(page.all("polygon", "wave")) == 2


def test_loudness_is_a_curve_and_each_beats_level_a_bar(page, demo):
    assert len(page.all("polyline", "curve")) == len(page.all("line", "integrated")) == 2
    levels = [json.loads(demo.artifact("energy", item))["beats"] for item in (SONG, SPEECH)]
    assert len(page.all("rect", "energy")) == sum(map(len, levels))


def test_the_spectrogram_is_the_one_that_was_made(page, demo):
    pictures = [base64.b64decode(attrs["src"].partition("base64,")[2]) for attrs in page.all("img")]
    assert pictures == [demo.artifact("plots", item) for item in (SONG, SPEECH)]


def test_tempo_and_loudness_are_named(page, demo):
    beats, loud = (json.loads(demo.artifact(job, SONG)) for job in ("beat_tracking", "loudness"))
    assert f"{beats['tempo_bpm']:.1f} bpm, {len(beats['beats_s'])} beats" in page.words
    for key, unit in (
        ("integrated_lufs", "LUFS"),
        ("loudness_range_lu", "LU range"),
        ("true_peak_dbtp", "dBTP"),
    ):
        assert f"{loud[key]:.1f} {unit}" in page.words


def test_counts_and_timings_stand_by_each_job(page):
    for job in load_registry(str(REGISTRY)).order:
        failed = 1 if job in ("downsample", "loudness") else 0
        row = re.search(rf"{job} (?:platform|a|b) (\d+) (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", page.words)
        assert row, job
        done, present, lost, blocked, clock, cpu = map(float, row.groups())
        assert (done, present, lost, blocked) == (2, 0, failed, 3 - failed)
        assert 0 < clock < 600
        assert 0 < cpu < 600


def test_a_failure_is_listed_with_its_reason_and_what_it_blocked(page):
    losses = page.words.partition("Failed and blocked")[2].partition("Items")[0]
    assert re.search(r"text <b>&amp; downsample failed decode UndecodableMedia \S.{10}", losses)
    assert "text <b>&amp; beat_tracking blocked" in losses


def test_what_the_plan_blocked_and_what_is_no_item_is_listed(page):
    assert f"{NOWHERE} downsample blocked plan source-missing" in page.words
    assert re.search(rf"No items .*{re.escape(NO_ITEM)}", page.words)


def test_the_page_of_a_run_that_found_all_there_shows_the_artifacts_and_when_they_were_made(demo, tmp_path):
    latest = demo.uris[1]
    assert earlier_work(latest, Stores(), limit=5) == [demo.uris[0]]
    assert earlier_work(demo.uris[0], Stores(), limit=5) == []
    write_report([latest, *earlier_work(latest, Stores(), limit=5)], tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert len(page.all("article")) == 4
    assert re.search(r"downsample platform 0 2 0 0 0.00 0.00", page.words)
    assert "Earlier run" in page.words
    assert len(page.all("polygon", "wave")) == 2
    assert len(page.all("details")) == 3


def test_a_long_song_is_named_and_not_carried_along(demo, tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.demo_report.page.LARGEST_SONG", 1000)
    write_report(demo.uris[1:], tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert page.all("audio") == []
    assert len(page.all("article")) == 2


def test_a_waveform_reaches_the_greatest_and_least_sample():
    import numpy as np
    import soundfile

    from scripts.demo_report.gather import BINS, envelope

    samples = np.zeros(44_100, np.float32)
    samples[100], samples[44_099] = 0.5, -0.25
    file = io.BytesIO()
    soundfile.write(file, samples, 44_100, format="WAV", subtype="FLOAT")
    drawn = envelope(file.getvalue())
    assert drawn.shape == (BINS, 2)
    assert (drawn[1, 1], drawn[-1, 0]) == (0.5, -0.25)
