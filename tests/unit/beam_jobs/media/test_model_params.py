"""What a model is shown: the parameters' faults, the axes, and frames cut from rows on disk."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from beam_jobs.media.model_frames import RowFile
from beam_jobs.media.model_input import as_input, frame_blocks, frame_shape
from beam_jobs.media.model_params import ModelParams


def params(kind: str = "audio", **changes) -> ModelParams:
    return ModelParams.model_validate({"model": "/m.onnx", "kind": kind, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "m.onnx"}, "'m.onnx' is relative; give an absolute path or a URI"),
        ({"hop": 20_000}, "hop 20000 leaves parts out: give at most frame, 16000"),
        ({"kind": "image", "mel": {}}, "mel is of audio, and kind is 'image'"),
        ({"kind": "image", "width_px": None}, "give both width_px and height_px, or null for both"),
        ({"std": [0.0]}, "std is divided by and cannot be 0"),
        ({"kind": "image", "mean": [0.0, 1.0]}, "mean has one number, or one for each of 3 channels"),
        (
            {"kind": "image", "layout": "NCH"},
            "layout 'NCH': give each of HWC once, in any order; N may be there",
        ),
        ({"layout": "NTF"}, "layout 'NTF': give each of T once, in any order; C and N may be there"),
        ({"layout": "NTT"}, "layout 'NTT'"),
        ({"labels": ["a", "a"]}, "label 'a' is there twice"),
        ({"aggregate": "none", "top": 2}, "top is of aggregated answers"),
        ({"model_sha256": "ABC"}, "model_sha256"),
        ({"mean": [float("nan")]}, "mean"),
        ({"scale": float("inf")}, "scale"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(changes, words):
    with pytest.raises(ValidationError) as caught:
        params(**changes)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        (params(), (16_000,)),
        (params(layout="NCT", frame=10), (1, 10)),
        (params(layout="T", frame=10), (10,)),
        (params(mel={"n_mels": 40}, frame=96), (96, 40)),
        (params(mel={"n_mels": 40}, frame=96, layout="NCFT"), (1, 40, 96)),
        (params("image", width_px=5, height_px=4), (3, 4, 5)),
        (params("image", width_px=5, height_px=4, layout="HWC"), (4, 5, 3)),
        (params("video", width_px=5, height_px=4, channels="grey", layout="NHW"), (4, 5)),
        (params("image", width_px=None, height_px=None), None),
    ],
)
def test_the_shape_of_a_frame_is_known_before_there_is_one(made, shape):
    assert frame_shape(made) == shape


def test_pixels_are_scaled_shifted_and_turned():
    made = params("image", width_px=5, height_px=4, mean=[0.1, 0.2, 0.3], std=[0.5, 1.0, 2.0])
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    shown = as_input(pixels, made)
    assert (shown.dtype, shown.flags.c_contiguous) == (np.float32, True)
    expected = ((pixels / 255 - [0.1, 0.2, 0.3]) / [0.5, 1.0, 2.0]).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(shown, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
@pytest.mark.parametrize(("frame", "hop"), [(10, 10), (10, 4), (1, 1), (7, 3)])
def test_frames_in_blocks_are_those_of_the_whole(tmp_path, batch, frame, hop):
    count = 12
    rows = np.arange(frame + (count - 1) * hop, dtype=np.float32)[:, None]
    with RowFile(tmp_path / "rows.npy") as file:
        for part in np.array_split(rows, 5):
            file.append(part)
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), rows)
    blocks = list(frame_blocks(tmp_path / "rows.npy", params(frame=frame, hop=hop, batch=batch)))
    assert max(map(len, blocks)) <= batch
    expected = np.stack([rows[start : start + frame, 0] for start in range(0, count * hop, hop)])
    np.testing.assert_array_equal(np.concatenate(blocks), expected)


def test_a_row_that_is_a_picture_is_a_frame(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), np.uint8)
    with RowFile(tmp_path / "rows.npy") as file:
        for picture in pictures:
            file.append(picture[None])
    made = params("video", width_px=6, height_px=4, layout="NHWC", scale=1.0, batch=2)
    blocks = list(frame_blocks(tmp_path / "rows.npy", made))
    assert [len(block) for block in blocks] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(blocks), pictures)
