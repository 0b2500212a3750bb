"""What every built-in step must do; a new one is tested by being there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from beam_jobs.contract.errors import StepError, UndecodableMedia
from beam_jobs.contract.step import builtin_steps, load_step
from tests import pictures, samples, videos
from tests.step_calls import call_step

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
HEAVY = ("numpy", "librosa", "soundfile", "scipy", "av", "PIL")
LIGHT = f"import sys, {{module}}; print([m for m in {HEAVY} if m in sys.modules])"


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


def stored(name: str, inputs: dict[str, Path], **more: Path) -> bytes:
    """Return what a step makes, as it would be stored."""
    step = load_step(name)
    result, _ = call_step(step, **{takes.name: {**inputs, **more}[takes.name] for takes in step.takes})
    if isinstance(result, Path):
        return result.read_bytes()
    return result if isinstance(result, bytes) else json.dumps(result, sort_keys=True).encode()


@pytest.mark.parametrize("name", STEPS)
def test_its_file_holds_a_step_of_that_name_with_defaults_for_all_params(name):
    step = load_step(name)
    assert step.name == name
    assert step.doc
    assert step.suffix(step.parse_params({})).startswith(".")


@pytest.mark.parametrize("name", ALL)
def test_its_facts_are_read_without_a_codec(name):
    done = subprocess.run(
        [sys.executable, "-c", LIGHT.format(module=f"beam_jobs.steps.{name}")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", STEPS)
def test_it_makes_the_same_bytes_every_time(name, inputs):
    made = stored(name, inputs)
    assert made
    assert stored(name, inputs) == made


@pytest.mark.parametrize("name", STEPS)
def test_its_json_holds_finite_numbers_only(name, inputs):
    if load_step(name).makes == ".json":
        json.loads(stored(name, inputs), parse_constant=pytest.fail)


@pytest.mark.parametrize("name", [name for name in STEPS if load_step(name).result is not None])
def test_its_json_is_what_its_schema_says(name, inputs):
    result = load_step(name).result
    assert result is not None
    made = json.loads(stored(name, inputs))
    jsonschema.validate(made, result.model_json_schema())
    assert result.model_validate(made).model_dump(mode="json") == made
    for field, told in result.model_json_schema()["properties"].items():
        assert told["unit"], field


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
    page = Path(__file__).resolve().parents[4] / "docs" / "steps.md"
    assert f"| `{name}` |" in page.read_text()
