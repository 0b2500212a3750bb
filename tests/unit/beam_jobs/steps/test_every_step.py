"""What every built-in step must do; a new one is tested by being there."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from beam_jobs.contract.errors import StepError, UndecodableMedia
from beam_jobs.contract.step import builtin_steps, load_step
from beam_jobs.media.arrays import read_arrays
from tests import pictures, samples, videos
from tests.step_calls import call_step, digests, files_of

PROJECT = Path(__file__).resolve().parents[4]

ALL = builtin_steps()
STEPS = [name for name in ALL if load_step(name).is_by_itself]
"""The others want a model first: tests/beam/test_run_model.py."""
MEDIA = {name: load_step(name).takes[0].name for name in STEPS}
"""What each step is about: audio, an image, a video."""
HEARING = [name for name in STEPS if MEDIA[name] == "audio"]
PLAYING_S = {"audio": 6, "image": 0, "video": 6}
UNDECODABLE = {"audio": samples.UNDECODABLE, "image": pictures.UNDECODABLE, "video": videos.UNDECODABLE}
TOLD = {
    "truncated ogg", "two hours claimed by a wav header", "two hours claimed by a flac header", "NaN samples",
    "infinite samples",
}  # fmt: skip
TELLS = {"probe": TOLD, "quality": TOLD}
"""Faults that these steps tell of, or do not look for, where others refuse the file."""
KEEP_CHANNELS = {"excerpt", "split", "transcode"}
ARRAYS = [name for name in STEPS if load_step(name).makes == ".npz"]
SOURCE = re.compile(r"\n\nSource: (?P<said>\S.*?\.)(?:\n\n:|\Z)", re.DOTALL)
"""The last paragraph of a step's docstring before its fields."""
NAMES_SOMETHING = re.compile(
    r"(19|20)\d\d\b|ITU-R|EBU|librosa|numpy|libsndfile|FFmpeg|Pillow|ONNX Runtime"
)  # fmt: skip
"""A paper of some year, a standard, or the library that does it."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One file for each input name that a step may have."""
    folder = tmp_path_factory.mktemp("inputs")
    audio = samples.write_audio(folder / "song.ogg", samples.song(120, 6)[0])
    beats, _ = call_step("beat_tracking", audio=audio)
    (folder / "beats.json").write_text(json.dumps(beats))
    image = pictures.write_image(folder / "image.jpg", pictures.scene(1))
    sound = videos.Sound(samples=samples.song(120, 6, rate=videos.RATE)[0])
    video = videos.write_numbered(folder / "video.mov", frames=144, sounds=[sound])
    return {"audio": audio, "beats": folder / "beats.json", "image": image, "video": video}


@pytest.fixture(scope="module")
def made(inputs: dict[str, Path]) -> dict[str, dict[str, bytes]]:
    """What each step makes of them: the artifact ("") and its children."""
    return {name: files_of(name, inputs) for name in STEPS}


@pytest.fixture(scope="module")
def made_elsewhere(inputs: dict[str, Path]) -> dict[str, dict[str, str]]:
    """The digests of what each step makes of them in a process of its own, whose hashes have another seed."""
    asked = {"steps": STEPS, "inputs": {name: str(path) for name, path in inputs.items()}}
    done = subprocess.run(
        [sys.executable, "-m", "tests.step_calls"], input=json.dumps(asked), cwd=PROJECT, check=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": "7"}, capture_output=True, text=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def stored(name: str, inputs: dict[str, Path], **more: Path) -> bytes:
    """Return the artifact that a step makes, as it would be stored."""
    return files_of(name, {**inputs, **more})[""]


@pytest.mark.parametrize("name", STEPS)
def test_its_file_holds_a_step_of_that_name_with_defaults_for_all_params(name):
    step = load_step(name)
    assert step.name == name
    assert step.doc
    assert step.suffix(step.parse_params({})).startswith(".")


@pytest.mark.parametrize("name", ALL)
def test_its_docstring_ends_with_the_source_of_what_it_does(name):
    found = SOURCE.search(inspect.cleandoc(load_step(name).doc))
    assert found, 'end it with a paragraph "Source: ..." before :return:'
    assert NAMES_SOMETHING.search(found["said"]), "name a paper with its year, a standard or a library"


@pytest.mark.parametrize("name", STEPS)
def test_it_makes_the_same_bytes_every_time(name, inputs, made):
    assert all(made[name].values())
    assert files_of(name, inputs) == made[name]


@pytest.mark.parametrize("name", STEPS)
def test_it_makes_the_same_bytes_in_every_process(name, made, made_elsewhere):
    assert made_elsewhere[name] == digests(made[name])


@pytest.mark.parametrize("name", ARRAYS)
def test_its_arrays_have_a_header_that_says_what_they_are(name, made, tmp_path):
    path = tmp_path / "made.npz"
    path.write_bytes(made[name][""])
    header, arrays = read_arrays(path)
    assert (header["step"], header["version"]) == (name, load_step(name).version)
    step = load_step(name)
    if step.params.model_fields:
        assert step.parse_params(header["params"]) == step.parse_params({})
    assert header["rate_hz"] > 0
    assert header["hop"] > 0
    assert arrays
    for array, told in header["arrays"].items():
        assert told["unit"], array
        axes = told["axes"].split(", ") if told["axes"] else []
        assert len(axes) == arrays[array].ndim, array
        assert told["shape"] == list(arrays[array].shape)
        assert told["dtype"] == arrays[array].dtype.name


@pytest.mark.parametrize("name", STEPS)
def test_its_json_holds_finite_numbers_only(name, made):
    if load_step(name).makes == ".json":
        json.loads(made[name][""], parse_constant=pytest.fail)


@pytest.mark.parametrize("name", [name for name in STEPS if load_step(name).result is not None])
def test_its_json_is_what_its_schema_says(name, made):
    result = load_step(name).result
    assert result is not None
    told = json.loads(made[name][""])
    jsonschema.validate(told, result.model_json_schema())
    assert result.model_validate(told).model_dump(mode="json") == told
    for field, facts in result.model_json_schema()["properties"].items():
        assert facts["unit"], field


@pytest.mark.parametrize("name", STEPS)
def test_it_tells_how_long_the_media_plays_and_what_each_stage_took(name, inputs):
    step = load_step(name)
    _, call = call_step(step, **{takes.name: inputs[takes.name] for takes in step.takes})
    assert call.media_seconds == pytest.approx(PLAYING_S[MEDIA[name]], abs=0.01)
    assert {"decode", "step"} <= set(call.seconds)


@pytest.mark.parametrize(
    ("name", "what"),
    [(name, what) for name in STEPS for what in UNDECODABLE[MEDIA[name]] if what not in TELLS.get(name, ())],
)
def test_a_file_that_is_no_such_media_is_refused_with_a_reason(name, what, inputs, tmp_path):
    bad = UNDECODABLE[MEDIA[name]][what](tmp_path)
    with pytest.raises(UndecodableMedia) as error:
        stored(name, inputs, **{MEDIA[name]: bad})
    assert len(str(error.value)) > 10


@pytest.mark.parametrize("name", HEARING)
@pytest.mark.parametrize("make", [samples.one_sample_wav, samples.twelve_channel_wav])
def test_odd_audio_is_audio(name, make, inputs, tmp_path):
    if name in KEEP_CHANNELS and make is samples.twelve_channel_wav:
        with pytest.raises(StepError, match="at most 8 channels and this has 12; choose format wav"):
            stored(name, inputs, audio=make(tmp_path))
        return
    assert stored(name, inputs, audio=make(tmp_path))


@pytest.mark.parametrize("name", HEARING)
def test_silence_is_audio(name, inputs, tmp_path):
    silence = samples.write_audio(tmp_path / "silence.wav", np.zeros((44_100 * 4, 2), np.float32))
    made = stored(name, inputs, audio=silence)
    assert made
    if (result := load_step(name).result) is not None:
        result.model_validate_json(made)


@pytest.mark.parametrize("name", ALL)
def test_it_is_in_the_documentation(name):
    assert f"| `{name}` |" in (PROJECT / "docs" / "steps.md").read_text()


@pytest.mark.parametrize("name", ALL)
def test_what_it_costs_was_measured(name):
    rows = json.loads((PROJECT / "benchmarks" / "results" / "steps.json").read_text())["steps"]
    (row,) = [row for row in rows if (row["step"], row["what"]) == (name, "-")]
    numbers = {field: value for field, value in row.items() if field not in ("step", "what", "unit")}
    assert numbers
    assert all(value > 0 for value in numbers.values()), numbers
