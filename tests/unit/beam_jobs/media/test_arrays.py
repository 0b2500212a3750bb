from __future__ import annotations

import time

import numpy as np
import pytest

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media import spool as spool_module
from beam_jobs.media.arrays import read_arrays, write_arrays
from beam_jobs.media.spool import Spool

VALUES = {
    "level": np.arange(6, dtype=np.float16).reshape(3, 2),
    "voiced": np.array([True, False, True]),
    "tuning": np.array(0.25),
    "none": np.zeros((0, 5), np.float32),
}


def write(path, arrays=VALUES, **more):
    told = {
        "step": "some_step", "version": "3", "rate_hz": 22_050.0, "hop": 512,
        "units": dict.fromkeys(arrays, "dB"), "axes": dict.fromkeys(arrays, "frame, band"), **more,
    }  # fmt: skip
    write_arrays(path, arrays, **told)
    return path


@pytest.mark.parametrize("compress", [True, False])
def test_what_was_written_is_read_with_its_header(tmp_path, compress):
    header, arrays = read_arrays(write(tmp_path / "a.npz", compress=compress))
    assert (header["step"], header["version"], header["rate_hz"], header["hop"]) == (
        "some_step", "3", 22_050.0, 512,
    )  # fmt: skip
    assert header["arrays"]["level"] == {
        "unit": "dB", "axes": "frame, band", "shape": [3, 2], "dtype": "float16",
    }  # fmt: skip
    assert arrays.keys() == VALUES.keys()
    for name, array in arrays.items():
        assert array.dtype == VALUES[name].dtype
        np.testing.assert_array_equal(array, VALUES[name])


def test_the_params_are_in_the_header_where_the_step_gives_them(tmp_path):
    params = {"n_fft": 2048, "fmax_hz": None}
    assert read_arrays(write(tmp_path / "a.npz", params=params))[0]["params"] == params
    assert "params" not in read_arrays(write(tmp_path / "b.npz"))[0]


def test_numpy_alone_reads_the_arrays(tmp_path):
    with np.load(write(tmp_path / "a.npz"), allow_pickle=False) as file:
        np.testing.assert_array_equal(file["level"], VALUES["level"])


def test_the_bytes_follow_from_the_values(tmp_path):
    first = write(tmp_path / "a.npz").read_bytes()
    time.sleep(2.1)  # times in zip files have steps of two seconds
    assert write(tmp_path / "b.npz").read_bytes() == first
    assert write(tmp_path / "c.npz", version="4").read_bytes() != first


@pytest.mark.parametrize("in_memory", [0, 1 << 30])
def test_spooled_frames_are_written_as_the_array_that_they_are(tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr(spool_module, "_IN_MEMORY_BYTES", in_memory)
    monkeypatch.setattr(spool_module, "_PIECE_BYTES", 100)
    frames = np.random.default_rng(0).standard_normal((1000, 7)).astype(np.float32)
    with Spool(tmp_path, 7) as spool:
        for start in range(0, 1000, 33):
            spool.append(frames[start : start + 33])
        streamed = write(tmp_path / "a.npz", {"x": spool.streamed()})
        halves = write(
            tmp_path / "h.npz",
            {"x": spool.streamed(width=3, dtype=np.float16, finish=lambda block: block[:, :3])},
        )
    assert streamed.read_bytes() == write(tmp_path / "b.npz", {"x": frames}).read_bytes()
    assert (
        halves.read_bytes() == write(tmp_path / "c.npz", {"x": frames[:, :3].astype(np.float16)}).read_bytes()
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz", "c.npz", "h.npz"]


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_what_is_no_array_artifact_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    if content is None:
        np.savez(path, x=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(UndecodableMedia, match="array artifact"):
        read_arrays(path)
