"""Whatever is called audio goes through the worker: it is made, or it is one failed row that says why."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from beam_jobs.contract.report import Status
from tests import samples
from tests.beam.jobs import JobFolder

REFUSED = {
    "zero bytes": "holds no audio (0 bytes)",
    "text named mp3": "no known audio format",
    "truncated ogg": "truncated",
    "NaN samples": "0.500000 s in channel 2 is nan",
    "infinite samples": "is inf",
    "two hours claimed by a wav header": "of 7200.000 s could be decoded",
    "two hours claimed by a flac header": "of 7200.000 s could be decoded",
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    job = JobFolder(tmp_path_factory.mktemp("media"))
    folder = job.path / "in"
    folder.mkdir()
    job.changes = {
        "step": "downsample", "params": {"sample_rate": 22050, "channels": 1, "format": "flac"},
        "inputs": {"audio": f"file://{folder}/{{item}}"}, "output": f"file://{job.path}/out/{{item}}.flac",
    }  # fmt: skip
    for what, make in samples.UNDECODABLE.items():
        make(folder).rename(folder / what)
        job.list(what)
    for make in (samples.one_sample_wav, samples.twelve_channel_wav):
        job.list(make(folder).name)
    samples.write_audio(folder / "song.ogg", samples.song(120, 3)[0])
    job.list("song.ogg")
    job.run()
    return job


@pytest.mark.parametrize("what", samples.UNDECODABLE)
def test_a_file_that_is_no_sound_is_one_failed_row_that_says_why(outcome: JobFolder, what: str) -> None:
    row = outcome.rows()[what]
    assert (row.status, row.error_class, row.stage) == (Status.FAILED, "UndecodableMedia", "decode")
    assert REFUSED[what] in row.message
    assert what in row.message


@pytest.mark.parametrize(
    ("item", "seconds"), [("one_sample.wav", 1 / 44100), ("twelve_channels.wav", 3.0), ("song.ogg", 3.0)]
)
def test_odd_audio_is_made_beside_them(outcome: JobFolder, item: str, seconds: float) -> None:
    row = outcome.rows()[item]
    assert row.status == Status.DONE
    assert row.media_seconds == pytest.approx(seconds)
    assert set(row.cpu_seconds) >= {"decode", "encode"}
    made = soundfile.info(outcome.path / "out" / f"{item}.flac")
    assert (made.samplerate, made.channels) == (22050, 1)
    assert made.frames == max(1, round(seconds * 22050))


def test_nothing_lies_in_the_output_but_what_was_made(outcome: JobFolder) -> None:
    assert set(outcome.artifacts()) == {"one_sample.wav.flac", "twelve_channels.wav.flac", "song.ogg.flac"}


def test_an_input_that_is_a_folder_or_a_dangling_link_costs_itself(job: JobFolder) -> None:
    job.add("fine")
    (job.path / "in/folder.txt").mkdir()
    Path(job.path / "in/link.txt").symlink_to("nowhere")
    job.list("folder", "link")
    rows = job.run()
    assert {item: row.status for item, row in rows.items()} == {
        "fine": "done", "folder": "failed", "link": "blocked",
    }  # fmt: skip
    assert rows["folder"].error_class == "StorageError"
