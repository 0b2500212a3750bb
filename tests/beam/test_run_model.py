"""ONNX models over real files through RunInference: what they answer, and who pays for what goes wrong."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from onnx import TensorProto
from PIL import Image

from beam_jobs.contract.report import Status
from beam_jobs.contract.schema import artifact_schema
from beam_jobs.contract.step import load_step
from beam_jobs.media.arrays import read_arrays
from beam_jobs.models import onnx
from beam_jobs.run import main
from tests import onnx_models, pictures, samples, videos
from tests.beam.jobs import PROJECT, JobFolder
from tests.beam.model_jobs import model_job, run_over_all

RATE = 16_000
FRAME = 4_000


@pytest.fixture
def songs(tmp_path: Path) -> JobFolder:
    """Five songs of other lengths, and a model that is a formula."""
    model = onnx_models.write_loudness(tmp_path / "loudness.onnx")
    job = model_job(tmp_path / "job", model, "audio", sample_rate=RATE, frame=FRAME)
    for number in range(5):
        sound = samples.song(100 + 10 * number, 2.1 + number, rate=RATE)[0].mean(axis=1, keepdims=True)
        samples.write_audio(
            job.path / "in" / f"{number}.wav", 0.9**number * sound, rate=RATE, subtype="FLOAT"
        )
    return job


def frames_of(path: Path, hop: int = FRAME) -> Any:
    """Cut a file into frames in another way than the step does."""
    heard, _ = soundfile.read(path, dtype="float32")
    starts = range(0, max(1, len(heard) - FRAME + hop), hop)
    padded = np.concatenate([heard, np.zeros(FRAME + hop, np.float32)])
    return np.stack([padded[start : start + FRAME] for start in starts])


@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("hop", [FRAME, 1_500])
def test_scores_of_audio_are_those_of_the_model_on_its_frames(
    songs: JobFolder, aggregate: str, hop: int
) -> None:
    songs.changes["params"] |= {"aggregate": aggregate, "hop": hop, "labels": ["power", "peak"], "batch": 3}
    rows = run_over_all(songs)
    assert {row.status for row in rows.values()} == {Status.DONE}
    for name, row in rows.items():
        frames = frames_of(songs.path / "in" / name, hop)
        answers = np.stack([(frames.astype(float) ** 2).mean(axis=1), frames.max(axis=1)], axis=1)
        expected = answers.mean(axis=0) if aggregate == "mean" else answers.max(axis=0)
        found = songs.artifact(name)
        assert found["scores"] == pytest.approx(expected.tolist(), rel=1e-5)
        assert (found["labels"], found["best"]) == (["power", "peak"], "peak")
        assert (found["frames"], found["hop_s"]) == (len(frames), hop / RATE)
        assert found["duration_s"] == pytest.approx(row.media_seconds)
        assert row.seconds["model"] > 0


def test_the_artifact_keeps_to_its_published_schema(songs: JobFolder) -> None:
    import jsonschema

    run_over_all(songs)
    schema = artifact_schema(load_step("run_model"))
    assert songs.summary()["artifact"] == {"suffix": ".json", "schema": schema}
    for item in songs.rows():
        jsonschema.validate(songs.artifact(item), schema)


def test_the_model_is_loaded_once_however_many_items_there_are(
    songs: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, real = [], onnx.open_session
    monkeypatch.setattr(onnx, "open_session", lambda *args: loads.append(args) or real(*args))
    source = (songs.path / "in" / "0.wav").read_bytes()
    for number in range(40):
        (songs.path / "in" / f"more{number}.wav").write_bytes(source)
    assert len(run_over_all(songs)) == 45
    assert len(loads) == 1


def test_reruns_give_the_same_bytes_whoever_is_done_first(songs: JobFolder, tmp_path: Path) -> None:
    run_over_all(songs)
    first = songs.artifacts()
    for concurrency in (1, 4):
        songs.changes |= {
            "concurrency": concurrency, "output": f"file://{tmp_path}/{concurrency}/{{item}}.json",
            "report": f"file://{tmp_path}/report{concurrency}",
        }  # fmt: skip
        assert main([songs.write()]) == 0
        again = {path.name: path.read_bytes() for path in (tmp_path / str(concurrency)).iterdir()}
        assert again == first


def test_a_second_run_finds_everything_there(songs: JobFolder) -> None:
    run_over_all(songs)
    assert {row.status for row in songs.run().values()} == {Status.PRESENT}


def test_all_answers_are_kept_as_an_array_with_its_clock(songs: JobFolder) -> None:
    songs.changes["params"] |= {"aggregate": "none", "hop": 1_000, "labels": ["power", "peak"]}
    songs.changes["output"] = f"file://{songs.path}/out/{{item}}.npz"
    run_over_all(songs)
    frames = frames_of(songs.path / "in" / "2.wav", 1_000)
    header, arrays = read_arrays(songs.path / "out" / "2.wav.npz")
    assert arrays["answers"].dtype == np.float32
    np.testing.assert_allclose(arrays["answers"][:, 0], (frames.astype(float) ** 2).mean(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(arrays["answers"][:, 1], frames.max(axis=1))
    assert arrays["labels"].tolist() == ["power", "peak"]
    assert (header["rate_hz"], header["hop"], header["step"]) == (RATE, 1_000, "run_model")
    assert header["arrays"]["answers"]["axes"] == "frame, number"
    assert songs.summary()["artifact"] == {"suffix": ".npz", "schema": None}


@pytest.mark.parametrize(("batch", "layout"), [(None, "T"), (5, "NT")])
def test_a_model_that_takes_one_frame_or_always_five_gives_the_same(
    songs: JobFolder, tmp_path: Path, batch: int | None, layout: str
) -> None:
    run_over_all(songs)
    expected = {item: songs.artifact(item)["scores"] for item in songs.rows()}
    model = onnx_models.write_loudness(tmp_path / "other.onnx", batch=batch, length=FRAME)
    songs.changes |= {
        "params": songs.changes["params"] | {"model": str(model), "layout": layout},
        "output": f"file://{songs.path}/out/other/{{item}}.json",
    }  # fmt: skip
    assert {row.status for row in songs.run().values()} == {Status.DONE}
    for item, scores in expected.items():
        assert songs.artifact(f"other/{item}")["scores"] == pytest.approx(scores, rel=1e-5)


def test_a_bad_file_costs_itself_alone(songs: JobFolder) -> None:
    for make in samples.UNDECODABLE.values():
        make(songs.path / "in")
    songs.list("not there.wav")
    rows = run_over_all(songs)
    good = {f"{number}.wav" for number in range(5)}
    assert {name for name, row in rows.items() if row.status == Status.DONE} == good
    assert rows["not there.wav"].status == Status.BLOCKED
    lost = [row for name, row in rows.items() if name not in {*good, "not there.wav"}]
    assert len(lost) == len(samples.UNDECODABLE)
    assert {(row.status, row.error_class, row.stage) for row in lost} == {
        (Status.FAILED, "UndecodableMedia", "decode")
    }
    assert {path.removesuffix(".json") for path in songs.artifacts()} == good


def test_answers_that_are_no_numbers_cost_their_item_alone(songs: JobFolder, tmp_path: Path) -> None:
    songs.changes["params"]["model"] = str(onnx_models.write_logarithm(tmp_path / "log.onnx"))
    for name, level in (("up", 0.5), ("down", -0.5)):
        level_s = np.full((3 * RATE, 1), level, np.float32)
        samples.write_audio(songs.path / "in" / f"{name}.wav", level_s, rate=RATE, subtype="FLOAT")
    songs.list("up.wav", "down.wav")
    rows = songs.run()
    assert rows["up.wav"].status == Status.DONE
    assert songs.artifact("up.wav")["scores"] == pytest.approx([np.log(0.5)], rel=1e-5)
    bad = rows["down.wav"]
    assert (bad.status, bad.error_class, bad.stage) == (Status.FAILED, "ModelFailed", "model")
    assert "NaN or infinity" in bad.message
    assert "'down.wav'" in bad.message


def test_labels_that_are_too_many_are_told_with_both_numbers(songs: JobFolder) -> None:
    songs.changes["params"]["labels"] = ["one", "two", "three"]
    row = run_over_all(songs)["0.wav"]
    assert (row.status, row.error_class) == (Status.FAILED, "ModelFailed")
    assert "gives 2 numbers for a frame, and there are 3 labels" in row.message


def test_a_whole_frame_as_an_answer_has_no_labels_but_can_be_kept(songs: JobFolder, tmp_path: Path) -> None:
    model = onnx_models.write_whole_frame(tmp_path / "same.onnx")
    songs.changes["params"] |= {"model": str(model), "aggregate": "none", "max_answers_mb": 1}
    songs.changes["output"] = f"file://{songs.path}/out/{{item}}.npz"
    samples.write_audio(songs.path / "in" / "long.wav", samples.noise(30, rate=RATE), rate=RATE)
    rows = run_over_all(songs)
    assert "max_answers_mb (1)" in rows["long.wav"].message
    _, arrays = read_arrays(songs.path / "out" / "1.wav.npz")
    np.testing.assert_array_equal(arrays["answers"], frames_of(songs.path / "in" / "1.wav"))


def test_the_scores_of_mel_frames_are_those_of_the_mel_step(tmp_path: Path) -> None:
    mel = {"sample_rate": RATE, "n_fft": 512, "hop": 256, "n_mels": 32}
    weights = np.random.default_rng(1).normal(0, 0.01, (20 * 32, 4)).astype(np.float32)
    bias = np.arange(4, dtype=np.float32)
    model = onnx_models.write_linear(tmp_path / "linear.onnx", weights, bias, frame=[20, 32])
    job = model_job(
        tmp_path / "job", model, "audio", mel=mel, frame=20, hop=10, activation="softmax", top=2,
        scale=0.5, mean=[-40.0], std=[20.0], labels=["a", "b", "c", "d"],
    )  # fmt: skip
    path = samples.write_audio(job.path / "in" / "song.flac", samples.song(120, 5)[0])
    run_over_all(job)

    from tests.step_calls import call_step

    made, _ = call_step("mel_spectrogram", mel, audio=path)
    levels = read_arrays(made)[1]["mel"]
    starts = range(0, len(levels) - 20 + 10, 10)
    levels = np.concatenate([levels, np.full((20, 32), max(-100, levels.max() - 80), np.float32)])
    frames = np.stack([levels[start : start + 20] for start in starts])
    answers = (((frames * 0.5 + 40) / 20).reshape(len(frames), -1) @ weights + bias).astype(float)
    likely = np.exp(answers - answers.max(axis=1, keepdims=True))
    scores = (likely / likely.sum(axis=1, keepdims=True)).mean(axis=0)
    best = np.argsort(-scores)[:2]
    found = job.artifact("song.flac")
    assert found["labels"] == ["abcd"[place] for place in best]
    assert found["scores"] == pytest.approx(scores[best].tolist(), rel=1e-3)
    assert found["hop_s"] == pytest.approx(10 * 256 / RATE)


@pytest.mark.parametrize(
    ("channels", "last", "layout"), [("rgb", False, None), ("bgr", True, "NHWC"), ("grey", False, None)]
)
@pytest.mark.parametrize("batch", [1, 8])
def test_images_are_shown_as_the_model_was_trained(
    tmp_path: Path, channels: str, last: bool, layout: str | None, batch: int
) -> None:
    count = 1 if channels == "grey" else 3
    model = onnx_models.write_mean_colour(tmp_path / "mean.onnx", channels=count, last=last, size=[48, 64])
    mean = [0.5] if channels == "grey" else [0.4, 0.5, 0.6]
    job = model_job(
        tmp_path / "job", model, "image", width_px=64, height_px=48, channels=channels, layout=layout,
        mean=mean, std=[0.25], batch=batch,
    )  # fmt: skip
    for number in range(12):
        pictures.write_image(job.path / "in" / f"{number}.png", pictures.scene(number))
    pictures.truncated_jpeg(job.path / "in")
    (job.path / "in" / "note.png").write_text("no picture")
    rows = run_over_all(job)
    assert {name for name, row in rows.items() if row.status == Status.FAILED} == {"cut.jpg", "note.png"}
    for number in range(12):
        with Image.open(job.path / "in" / f"{number}.png") as picture:
            small = picture.resize((64, 48), Image.Resampling.LANCZOS, box=(0, 0, 640, 480))
        values = np.asarray(small.convert("L" if channels == "grey" else "RGB"), float).reshape(48 * 64, -1)
        expected = values.mean(axis=0)[:: -1 if channels == "bgr" else 1] / 255
        expected = (expected - mean) / 0.25
        found = job.artifact(f"{number}.png")
        assert found["scores"] == pytest.approx(expected.tolist(), abs=2e-3)
        assert (found["frames"], found["hop_s"], found["duration_s"]) == (1, 0, 0)


def test_images_of_any_size_go_through_a_model_of_bytes(tmp_path: Path) -> None:
    model = onnx_models.write_mean_colour(tmp_path / "m.onnx", last=True, dtype=TensorProto.UINT8)
    job = model_job(
        tmp_path / "job", model, "image", width_px=None, height_px=None, layout="NHWC", scale=1.0, batch=4
    )
    sizes = [(40, 30), (40, 30), (90, 20), (40, 30), (7, 300)]
    for number, size in enumerate(sizes):
        pictures.write_image(job.path / "in" / f"{number}.png", pictures.quarters(*size))
    assert {row.status for row in run_over_all(job).values()} == {Status.DONE}
    for number, size in enumerate(sizes):
        expected = np.asarray(pictures.quarters(*size), float).mean(axis=(0, 1))
        assert job.artifact(f"{number}.png")["scores"] == pytest.approx(expected.tolist(), abs=0.01)


def test_the_frames_of_a_video_are_those_at_their_times(tmp_path: Path) -> None:
    model = onnx_models.write_mean_colour(tmp_path / "m.onnx", channels=1, size=[120, 160])
    job = model_job(
        tmp_path / "job", model, "video", every_s=0.5, width_px=160, height_px=120, channels="grey",
        aggregate="none", suffix=".npz",
    )  # fmt: skip
    videos.write_numbered(job.path / "in" / "film.mp4", frames=100, fps=24)
    videos.truncated_mp4(job.path / "in")
    rows = run_over_all(job)
    assert {row.item for row in rows.values() if row.status == Status.DONE} == {"film.mp4"}
    header, arrays = read_arrays(job.path / "out" / "film.mp4.npz")
    shown = [np.asarray(videos.numbered(number).convert("L"), float) for number in range(0, 100, 12)]
    assert arrays["answers"][:, 0] == pytest.approx([pixels.mean() / 255 for pixels in shown], abs=0.01)
    assert (header["rate_hz"], header["hop"]) == (2.0, 1)


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "not there": ({"model": "{folder}/none.onnx"}, "is not there; put the ONNX file there"),
    "no model": ({"model": "{folder}/text.onnx"}, "cannot be loaded"),
    "cut": ({"model": "{folder}/cut.onnx"}, "cannot be loaded"),
    "another one": ({"model_sha256": "0" * 64}, "is another one: its SHA-256 is {sha256}"),
    "other frames": ({"model": "{folder}/fixed.onnx"}, "takes tensor(float) of shape [N, 123]"),
    "no such output": ({"output": "logits"}, "has no output 'logits'; it has: answers"),
    "no such input": ({"input": "audio"}, "has no input 'audio'; it has: frames"),
    "two inputs": ({"model": "{folder}/two.onnx"}, "wants the inputs frames, more"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_model_that_no_item_can_use_ends_the_job_before_it_begins(
    songs: JobFolder, tmp_path: Path, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    good = tmp_path / "loudness.onnx"
    (tmp_path / "text.onnx").write_text("no model")
    (tmp_path / "cut.onnx").write_bytes(good.read_bytes()[:-40])
    onnx_models.write_loudness(tmp_path / "fixed.onnx", length=123)
    nodes = [onnx_models.helper.make_node("Add", ["frames", "more"], ["answers"])]
    onnx_models.write_model(
        tmp_path / "two.onnx", nodes, takes=["N", "T"], gives=["N", "T"], more_inputs=["more"]
    )
    params, message = UNUSABLE[what]
    songs.changes["params"] |= {
        name: value.format(folder=tmp_path) if name == "model" else value for name, value in params.items()
    }
    songs.list("0.wav")
    assert main([songs.write()]) == 2
    err = capfd.readouterr().err
    expected = message.format(sha256=hashlib.sha256(good.read_bytes()).hexdigest())
    assert expected in err
    assert "Traceback" not in err
    assert songs.artifacts() == {}


def test_without_onnxruntime_the_job_says_what_to_install(songs: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "onnxruntime.py").write_text("raise ImportError('none here')")
    songs.list("0.wav")
    done = subprocess.run(
        [sys.executable, "-m", "beam_jobs.run", songs.write()],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{tmp_path / 'site'}:{PROJECT}"},
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'airflow-media-provider[model]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_trained_model_tells_sounds_apart_that_it_never_heard(tmp_path: Path) -> None:
    """A softmax over mel bands, fitted here to low tones, high tones and noise, then run over others."""
    mel = {"sample_rate": RATE, "n_fft": 512, "hop": 256, "n_mels": 32}
    kinds = ["high", "low", "noise"]

    def sound(kind: str, seed: int) -> Any:
        drawn = np.random.default_rng([seed, kinds.index(kind)])
        if kind == "noise":
            return samples.noise(4, rate=RATE, dbfs=drawn.uniform(-30, -10), seed=seed)
        hertz = drawn.uniform(1500, 5000) if kind == "high" else drawn.uniform(100, 600)
        return samples.tone(hertz, 4, rate=RATE, dbfs=drawn.uniform(-30, -6))

    from tests.step_calls import call_step

    frames, classes = [], []
    for seed in range(20):
        for number, kind in enumerate(kinds):
            path = samples.write_audio(tmp_path / f"{kind}{seed}.ogg", sound(kind, seed), rate=RATE)
            levels = read_arrays(call_step("mel_spectrogram", mel, audio=path)[0])[1]["mel"]
            cut = [levels[start : start + 60].ravel() for start in range(0, len(levels) - 60, 30)]
            frames += cut
            classes += [number] * len(cut)
    weights, bias = onnx_models.train_softmax((np.stack(frames) + 50) / 20, np.array(classes))
    model = onnx_models.write_linear(tmp_path / "kinds.onnx", weights, bias, frame=[60, 32])

    job = model_job(
        tmp_path / "job", model, "audio", mel=mel, frame=60, hop=30, mean=[-50.0], std=[20.0],
        activation="softmax", labels=kinds,
    )  # fmt: skip
    for seed in range(100, 106):
        for kind in kinds:
            samples.write_audio(job.path / "in" / f"{kind}-{seed}.ogg", sound(kind, seed), rate=RATE)
    rows = run_over_all(job)
    assert {row.status for row in rows.values()} == {Status.DONE}
    answers = {item: json.loads(job.artifacts()[f"{item}.json"]) for item in rows}
    wrong = {item: answer for item, answer in answers.items() if not item.startswith(answer["best"])}
    assert len(rows) == 18
    assert not wrong
    assert all(sum(answer["scores"]) == pytest.approx(1, abs=1e-4) for answer in answers.values())
