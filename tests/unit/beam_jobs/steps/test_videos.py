"""The steps over videos, against how they were made, PyAV used directly, and FFmpeg where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.video_file import VideoFile
from tests import videos
from tests.fuzz.crafted import references
from tests.fuzz.originals import VIDEOS
from tests.pictures import CORNERS
from tests.samples import noise, tone, truncate
from tests.step_calls import call_step
from tests.videos import RATE, Sound, keyframes, number_of, probe, sheet, tiles, write_numbered

LOOKING = ("video_probe", "keyframes", "thumbnails_sheet", "extract_audio")
CODECS = {".avi": {"codec": "mpeg4"}, ".webm": {"codec": "libvpx"}}
"""AVI has no place for the times of frames that come in another order."""
FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def run(*command):
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("name", "container", "codec", "audio"),
    [
        ("mp4", "mp4", "h264", ["aac"]),
        ("mp4-silent", "mp4", "mpeg4", []),
        ("mov", "mp4", "mjpeg", ["pcm_s16le"]),
        ("webm", "matroska", "vp9", ["opus"]),
        ("mkv", "matroska", "h264", ["ac3"]),
        ("avi", "avi", "mpeg4", ["mp3float"]),
        ("flv", "flv", "flv", ["aac"]),
        ("ts", "mpegts", "mpeg2video", ["aac"]),
        ("mpeg", "mpegps", "mpeg2video", []),
    ],
)
def test_the_probe_tells_what_was_written(name, container, codec, audio, tmp_path):
    VIDEOS[name](tmp_path / "video")
    told = probe(tmp_path / "video")
    assert (told["container"], told["codec"]) == (container, codec)
    assert (
        (told["width_px"], told["height_px"]) == (told["shown_width_px"], told["shown_height_px"]) == (96, 64)
    )
    assert told["frame_rate_hz"] == 24
    assert told["rotation_deg"] == 0
    assert [track["codec"] for track in told["audio_tracks"]] == audio
    assert [track["sample_rate_hz"] for track in told["audio_tracks"]] == [48_000] * len(audio)
    assert 0.7 < told["duration_s"] < 1.3
    assert keyframes(tmp_path / "video")["frames"] == 24


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_video_is_told_and_shown_upright(turn, mirrored, tmp_path):
    path = write_numbered(tmp_path / "a.mp4", rotation=turn, mirrored=mirrored, frames=12)
    told = probe(path)
    assert told["mirrored"] is mirrored
    size = (120, 160) if turn in (90, 270) else (160, 120)
    assert told["rotation_deg"] == turn
    assert (told["width_px"], told["height_px"]) == (160, 120)
    assert (told["shown_width_px"], told["shown_height_px"]) == size
    picture = sheet(path, columns=1, rows=1, width_px=size[0])
    assert picture.size == size
    back = picture.rotate(turn, expand=True)
    if mirrored:
        back = back.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert number_of(back) == 6
    assert np.abs(np.subtract(back.getpixel((40, 45)), CORNERS["red"])).max() < 30
    assert np.abs(np.subtract(back.getpixel((120, 100)), CORNERS["yellow"])).max() < 30


@FFMPEG
@pytest.mark.parametrize(("turn", "mirrored"), [(90, False), (270, False), (90, True), (270, True)])
def test_it_turns_as_ffmpeg_does(turn, mirrored, tmp_path):
    path = write_numbered(tmp_path / "a.mp4", rotation=turn, mirrored=mirrored, frames=2)
    run("ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", tmp_path / "first.png")
    theirs = Image.open(tmp_path / "first.png")
    ours = sheet(path, columns=1, rows=1, width_px=120).convert("RGB")
    assert theirs.size == ours.size
    for place in ((20, 120), (100, 120), (30, 20), (100, 20)):
        assert np.abs(np.subtract(theirs.convert("RGB").getpixel(place), ours.getpixel(place))).max() < 40


def test_pixels_that_are_not_square_are_shown_square(tmp_path):
    path = tmp_path / "a.mp4"
    write_numbered(path, frames=4, codec="mpeg4", aspect="2:1")
    told = probe(path)
    if told["shown_width_px"] == 160:
        pytest.skip("this encoder writes no aspect ratio")
    assert (told["shown_width_px"], told["shown_height_px"]) == (320, 120)
    assert sheet(path, columns=1, rows=1, width_px=120).size == (120, 45)


def test_languages_and_several_tracks_are_told(tmp_path):
    sounds = [
        Sound(samples=tone(440, 1, rate=RATE), language="eng"),
        Sound(samples=noise(1, channels=2, rate=RATE)),
    ]
    told = probe(write_numbered(tmp_path / "a.mkv", frames=24, sounds=sounds))
    assert [(track["track"], track["channels"], track["language"]) for track in told["audio_tracks"]] == [
        (0, 1, "eng"), (1, 2, None),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts", ".avi", ".flv"])
@pytest.mark.parametrize("gop", [1, 12, 40, 96])
def test_key_frames_are_where_they_were_put(suffix, gop, tmp_path):
    path = write_numbered(tmp_path / f"a{suffix}", gop=gop, **CODECS.get(suffix, {"bf": "2"}))
    told = keyframes(path)
    assert told["frames"] == 96
    assert told["keyframes_s"] == pytest.approx([number / 24 for number in range(0, 96, gop)], abs=0.0011)
    assert told["duration_s"] == pytest.approx(4, abs=0.045)
    assert told["longest_gap_s"] == pytest.approx(min(gop, 96) / 24, abs=0.045)


@FFMPEG
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_key_frames_are_those_of_ffprobe(suffix, tmp_path):
    path = write_numbered(tmp_path / f"a{suffix}", gop=17, bf="2")
    entries = "packet=pts_time,flags:format=start_time"
    told = json.loads(
        run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", entries, "-of", "json", path)
    )
    start = float(told["format"]["start_time"])
    theirs = [float(p["pts_time"]) - start for p in told["packets"] if "K" in p["flags"]]
    assert keyframes(path)["keyframes_s"] == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi", ".webm"])
@pytest.mark.parametrize("gop", [12, 96])
def test_the_sheet_shows_the_frames_at_even_times(suffix, gop, tmp_path):
    path = write_numbered(tmp_path / f"a{suffix}", gop=gop, **CODECS.get(suffix, {"bf": "2"}))
    picture = sheet(path, columns=4, rows=2, width_px=160)
    assert picture.size == (640, 240)
    shown = [number_of(tile) for tile in tiles(picture, 4, 2)]
    wanted = [int((place + 0.5) / 8 * 96) for place in range(8)]
    assert np.abs(np.subtract(shown, wanted)).max() <= 1  # Matroska rounds times to a millisecond
    quick = [
        number_of(tile) for tile in tiles(sheet(path, columns=4, rows=2, exact=False, width_px=160), 4, 2)
    ]
    assert quick == [number // gop * gop for number in wanted]


PAUSE = [*range(30), *range(220, 250)]
"""When the frames of a video of ten seconds are shown that stands still for most of them, at 25 Hz."""
UNEVEN = pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".ts", ".flv"])
TOP = {".webm": {"codec": "libvpx"}}


@UNEVEN
def test_a_pause_between_frames_makes_a_video_no_longer(suffix, tmp_path):
    path = write_numbered(
        tmp_path / f"a{suffix}", shown=PAUSE, fps=25, gop=250, **TOP.get(suffix, {"bf": "2"})
    )
    told = keyframes(path)
    assert told["frames"] == 60
    assert told["duration_s"] == pytest.approx(10, abs=0.045)
    assert told["longest_gap_s"] == pytest.approx(10, abs=0.045)
    assert told["frame_rate_hz"] == pytest.approx(6, abs=0.03)
    assert probe(path)["frame_rate_hz"] == pytest.approx(6 if suffix in (".mp4", ".mov") else 25, abs=0.1)


@UNEVEN
def test_the_sheet_of_a_video_with_a_pause_shows_what_stands_still(suffix, tmp_path):
    path = write_numbered(
        tmp_path / f"a{suffix}", shown=PAUSE, fps=25, gop=20, **TOP.get(suffix, {"bf": "2"})
    )
    shown = [number_of(tile) for tile in tiles(sheet(path, columns=5, rows=2, width_px=160), 5, 2)]
    wanted = [sum(place <= (k + 0.5) / 10 * 250 for place in PAUSE) - 1 for k in range(10)]
    assert np.abs(np.subtract(shown, wanted)).max() <= 1


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_video_with_a_pause_that_was_cut_after_it_is_refused(suffix, tmp_path):
    path = write_numbered(
        tmp_path / f"a{suffix}", shown=PAUSE, fps=25, gop=250, bf="2", header_first=suffix == ".mp4"
    )
    keyframes(path)
    with av.open(str(path)) as file:
        places = [packet.pos for packet in file.demux() if packet.size]
    path.write_bytes(path.read_bytes()[: places[38]])
    for step in ("keyframes", "thumbnails_sheet"):
        with pytest.raises(UndecodableMedia, match="truncated"):
            call_step(step, video=path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_slide_is_shown_as_long_as_the_file_says(suffix, tmp_path):
    path = write_numbered(tmp_path / f"a{suffix}", shown=[0, 1, 9], fps=1, gop=1, bf="0")
    told = keyframes(path)
    assert told["keyframes_s"] == pytest.approx([0, 1, 9], abs=0.001)
    assert told["duration_s"] == pytest.approx(10, abs=0.001)
    assert told["frame_rate_hz"] == pytest.approx(0.3, abs=0.001)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_the_rate_of_even_frames_is_that_which_they_were_made_with(suffix, tmp_path):
    path = write_numbered(tmp_path / f"a{suffix}", fps=Fraction(30_000, 1001), frames=100)
    assert keyframes(path)["frame_rate_hz"] == probe(path)["frame_rate_hz"] == 29.97


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_video_whose_clock_does_not_begin_at_0_is_whole_until_it_is_cut(suffix, tmp_path):
    path = write_numbered(tmp_path / f"a{suffix}", shown=range(120, 216), header_first=suffix == ".mp4")
    told = keyframes(path)
    assert told["duration_s"] == pytest.approx(4, abs=0.045)
    assert told["keyframes_s"] == pytest.approx([number / 24 for number in range(0, 96, 12)], abs=0.0011)
    shown = [number_of(tile) for tile in tiles(sheet(path, columns=4, rows=2, width_px=160), 4, 2)]
    assert np.abs(np.subtract(shown, [int((place + 0.5) / 8 * 96) for place in range(8)])).max() <= 1
    if suffix != ".ts":  # whose header claims nothing
        truncate(path, 0.7)
        with pytest.raises(UndecodableMedia, match="truncated"):
            keyframes(path)


def test_a_broadcast_of_one_frame_begins_at_0(tmp_path):
    told = keyframes(write_numbered(tmp_path / "a.ts", frames=1, codec="mpeg2video", fps=25))
    assert (told["keyframes_s"], told["frames"], told["duration_s"]) == ([0.0], 1, 0.04)


def test_a_palette_is_kept_from_picture_to_picture(tmp_path):
    path = write_numbered(tmp_path / "a.avi", codec="rawvideo", pixels="pal8", frames=24)
    assert probe(path)["pixel_format"] == "pal8"
    for exact in (True, False):
        picture = sheet(path, columns=3, rows=1, width_px=160, exact=exact)
        assert [number_of(tile) for tile in tiles(picture, 3, 1)] == [4, 12, 20]


def counted(monkeypatch):
    """Return a list that grows by one with each frame that is decoded."""
    seen, whole = [], VideoFile.frames

    def frames(self):
        for frame in whole(self):
            seen.append(frame.pts)
            yield frame

    monkeypatch.setattr(VideoFile, "frames", frames)
    return seen


def test_between_the_pictures_nothing_is_decoded(tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "a.mp4", frames=960, gop=12, size=(80, 60))
    decoded = counted(monkeypatch)
    sheet(path, columns=2, rows=2)
    assert len(decoded) < 4 * (12 + 5)
    decoded.clear()
    sheet(path, columns=8, rows=5, width_px=40)
    assert len(decoded) < 40 * (12 + 5)


def test_one_long_group_is_decoded_once(tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "a.mp4", frames=240, gop=240, size=(80, 60))
    decoded = counted(monkeypatch)
    sheet(path, columns=5, rows=2)
    assert len(decoded) <= 241


def test_more_pictures_than_frames_show_frames_twice(tmp_path):
    path = write_numbered(tmp_path / "a.mp4", frames=2)
    assert [number_of(one) for one in tiles(sheet(path, columns=2, rows=2), 2, 2)] == [0, 0, 1, 1]


def test_the_gaps_between_pictures_are_black(tmp_path):
    path = write_numbered(tmp_path / "a.mp4", frames=24)
    picture = sheet(path, columns=2, rows=2, width_px=80, gap_px=16)
    assert picture.size == (2 * 80 + 16, 2 * 60 + 16)
    assert max(picture.getpixel((88, 30))) < 20


@FFMPEG
@pytest.mark.parametrize("size", [(160, 120), (1280, 720)])
def test_colours_are_ffmpegs(size, tmp_path):
    path = write_numbered(tmp_path / "a.mp4", frames=1, size=size)
    run("ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", tmp_path / "first.png")
    theirs = Image.open(tmp_path / "first.png").convert("RGB").resize((160, 160 * size[1] // size[0]))
    ours = sheet(path, columns=1, rows=1, width_px=160, quality=95).convert("RGB")
    assert ours.size == theirs.size
    assert np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).mean() < 3


@pytest.mark.parametrize("step", LOOKING[:3])
def test_frames_above_the_limit_are_refused_and_those_at_it_are_not(step, tmp_path):
    path = write_numbered(tmp_path / "a.mp4", frames=4)
    assert call_step(step, {"max_pixels": 160 * 120}, video=path)
    with pytest.raises(UndecodableMedia, match="max_pixels"):
        call_step(step, {"max_pixels": 160 * 120 - 1}, video=path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".flv", ".webm"])
def test_a_video_that_ends_before_what_it_claims_is_refused(suffix, tmp_path):
    codec = {".webm": "libvpx", ".flv": "flv", ".avi": "mpeg4"}.get(suffix, "libx264")
    sound = {".webm": "libopus", ".flv": "libmp3lame", ".avi": "libmp3lame"}.get(suffix, "flac")
    path = write_numbered(
        tmp_path / f"a{suffix}", codec=codec, sounds=[Sound(samples=tone(440, 4, rate=RATE), codec=sound)]
    )
    for step in LOOKING:
        call_step(step, video=path)
    truncate(path, 0.5)
    # FLV does not say how long the sound alone is.
    for step in LOOKING[1:3] if suffix == ".flv" else LOOKING[1:]:
        with pytest.raises(UndecodableMedia):
            call_step(step, video=path)


@pytest.mark.parametrize("step", LOOKING)
def test_lists_of_other_files_are_refused(step, tmp_path):
    for name, whole in references("/etc/hostname").items():
        (tmp_path / name).write_bytes(whole)
        with pytest.raises(UndecodableMedia):
            call_step(step, video=tmp_path / name)


PEAK = """
import resource, sys
from pathlib import Path
from beam_jobs.contract.step import load_step
from tests.step_calls import call_step
name, short, long = sys.argv[1:4]
params = {"format": sys.argv[4]} if len(sys.argv) > 4 else {}
load_step(name).warm_up()
peaks = []
for path in (short, long):
    _, call = call_step(name, params, video=Path(path))
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(*peaks, call.media_seconds)
"""


@pytest.fixture(scope="module")
def half_an_hour(tmp_path_factory):
    """A clip of twenty seconds, and half an hour of the same."""
    folder = tmp_path_factory.mktemp("long")
    sound = Sound(samples=noise(20, channels=2, rate=RATE), codec="flac")
    clip = write_numbered(folder / "clip.mkv", frames=480, codec="mpeg4", size=(80, 60), sounds=[sound])
    return clip, videos.repeated(folder / "half_an_hour.mkv", clip, 90)


@pytest.mark.parametrize(
    "call",
    [["extract_audio", "wav"], ["extract_audio", "copy"], ["keyframes"], ["thumbnails_sheet"]],
    ids="-".join,
)
def test_half_an_hour_needs_no_more_memory_than_a_clip(half_an_hour, call):
    step, *format = call
    done = subprocess.run(
        [sys.executable, "-c", PEAK, step, *map(str, half_an_hour), *format],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for_a_clip, for_half_an_hour, seconds = map(float, done.stdout.split())
    assert seconds == pytest.approx(1800, abs=5)
    assert for_half_an_hour - for_a_clip < 60, "MB; its samples alone are 690"
