"""The steps over videos, against how they were made, PyAV used directly, and FFmpeg where it is installed."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from beam_jobs.contract.errors import StepError, UndecodableMedia
from beam_jobs.media.audio import AudioFile
from beam_jobs.media.video_file import VideoFile
from tests import videos
from tests.fuzz.crafted import references
from tests.fuzz.originals import VIDEOS
from tests.pictures import CORNERS
from tests.samples import noise, tone, truncate
from tests.step_calls import call_step
from tests.videos import RATE, Sound, number_of, write_numbered

LOOKING = ("video_probe", "keyframes", "thumbnails_sheet", "extract_audio")
CODECS = {".avi": {"codec": "mpeg4"}, ".webm": {"codec": "libvpx"}}
"""AVI has no place for the times of frames that come in another order."""
FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def probe(path, **params):
    return call_step("video_probe", params, video=path)[0]


def keyframes(path):
    return call_step("keyframes", video=path)[0]


def sheet(path, **params):
    """Return the sheet as an image."""
    return Image.open(io.BytesIO(call_step("thumbnails_sheet", {"gap_px": 0, **params}, video=path)[0]))


def tiles(picture, columns, rows):
    """Cut a sheet into its pictures, row by row."""
    width, height = picture.width // columns, picture.height // rows
    return [
        picture.crop((column * width, row * height, (column + 1) * width, (row + 1) * height))
        for row in range(rows)
        for column in range(columns)
    ]


def heard(path, **params):
    """Return the samples of the extracted audio, as whole numbers of 1/32768."""
    made, _ = call_step("extract_audio", params, video=path)
    samples, rate = soundfile.read(made, dtype="int16", always_2d=True)
    assert rate == RATE
    return samples


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


@pytest.mark.parametrize(
    ("suffix", "codec", "bits", "channels"),
    [
        (".mov", "pcm_s16le", 16, 1),
        (".mov", "pcm_s24le", 24, 2),
        (".mkv", "pcm_s16le", 16, 6),
        (".mkv", "flac", 16, 2),
        (".avi", "pcm_s16le", 16, 2),
        (".mp4", "alac", 16, 2),
    ],
)
def test_flac_holds_the_very_samples(suffix, codec, bits, channels, tmp_path):
    scale = 2 ** (bits - 1)
    drawn = np.random.default_rng(1).integers(-scale, scale, (RATE, channels))
    path = write_numbered(
        tmp_path / f"a{suffix}", frames=24, codec="mpeg4",
        sounds=[Sound(samples=(drawn / scale).astype(np.float32), codec=codec)],
    )  # fmt: skip
    made, call = call_step("extract_audio", {"bits": bits}, video=path)
    samples, rate = soundfile.read(made, dtype="int32", always_2d=True)
    assert rate == RATE
    assert (samples >> (32 - bits)).tolist() == drawn.tolist()
    assert call.media_seconds == pytest.approx(1)


@FFMPEG
@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "aac"), (".webm", "libopus"), (".ts", "mp2")])
def test_it_hears_what_ffmpeg_hears(suffix, codec, tmp_path):
    video = "libvpx" if suffix == ".webm" else "libx264"
    sounds = [Sound(samples=noise(2, rate=RATE, channels=2), codec=codec)]
    path = write_numbered(tmp_path / f"a{suffix}", frames=48, codec=video, sounds=sounds)
    raw = run("ffmpeg", "-v", "error", "-i", path, "-vn", "-f", "f32le", "-")
    theirs = np.frombuffer(raw, np.float32).reshape(-1, 2) * 32_768
    ours = heard(path)
    assert abs(len(ours) - len(theirs)) <= 1100  # FFmpeg leaves out an encoder's first samples
    late = len(ours) - len(theirs) if len(ours) > len(theirs) else 0
    both = min(len(ours) - late, len(theirs))
    assert (
        min(np.abs(ours[shift : shift + both].astype(float) - theirs[:both]).max() for shift in {0, late})
        < 1.5
    )


def broadcast(folder, sounds, *, suffix=".ts", frames=24, **options):
    """Write programmes one after the other, each with times of its own."""
    parts = [
        write_numbered(folder / f"{number}{suffix}", frames=frames, sounds=[sound], **options)
        for number, sound in enumerate(sounds)
    ]
    path = folder / f"all{suffix}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize(
    ("codec", "first", "then"),
    [("mp2", 1, 2), ("mp2", 2, 1), ("aac", 1, 2), ("aac", 2, 1), ("ac3", 2, 6), ("ac3", 6, 2)],
)  # fmt: skip
def test_a_broadcast_may_change_its_channels_between_programmes(codec, first, then, tmp_path):
    sound = tone(440, 1, rate=RATE)
    told = [Sound(samples=np.repeat(sound, count, axis=1), codec=codec) for count in (first, then)]
    path = broadcast(tmp_path, told)
    samples = heard(path) / 32_768
    assert samples.shape[1] == first
    assert len(samples) == pytest.approx(2 * RATE, abs=5000)
    for middle in (0.5, 1.5):
        piece = samples[int((middle - 0.2) * RATE) : int((middle + 0.2) * RATE), :2]
        level = np.sqrt(np.mean(np.square(piece), axis=0))
        assert level == pytest.approx(np.sqrt(np.mean(np.square(sound))), rel=0.05)


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".ts", "libx264"), (".ts", "mpeg2video"), (".mpg", "mpeg2video")]
)
def test_programmes_whose_clocks_begin_anew_come_one_after_the_other(suffix, codec, tmp_path):
    sounds = [Sound(samples=tone(440, 2, rate=RATE), codec="mp2")] * 3
    path = broadcast(tmp_path, sounds, suffix=suffix, frames=48, codec=codec, bf="2")
    told = keyframes(path)
    assert told["frames"] == 3 * 48
    assert told["duration_s"] == pytest.approx(6, abs=0.1)
    assert told["frame_rate_hz"] == pytest.approx(24, abs=0.3)
    assert told["longest_gap_s"] < 0.6
    for exact in (True, False):
        picture = sheet(path, columns=4, rows=3, width_px=160, exact=exact)
        shown = [number_of(tile) for tile in tiles(picture, 4, 3)]
        assert shown[:4] == shown[4:8] == shown[8:]
        assert shown == sorted(shown[:4]) * 3
    made, call = call_step("extract_audio", {"format": "copy"}, video=path)
    assert call.media_seconds == pytest.approx(6, abs=0.2)
    assert call_step("probe", audio=made)[0]["duration_s"] == pytest.approx(6, abs=0.2)


@pytest.mark.parametrize("codec", ["mp2", "aac"])
def test_a_broadcast_may_change_its_sample_rate_between_programmes(codec, tmp_path):
    told = [Sound(samples=tone(440, 1, rate=rate), codec=codec, rate=rate) for rate in (48_000, 44_100)]
    path = broadcast(tmp_path, told)
    samples = heard(path)[:, 0] / 32_768
    assert len(samples) == pytest.approx(2 * RATE, abs=6000)
    piece = samples[int(1.3 * RATE) : int(1.7 * RATE)] * np.hanning(int(1.7 * RATE) - int(1.3 * RATE))
    assert np.abs(np.fft.rfft(piece)).argmax() / 0.4 == pytest.approx(440, abs=3)


def test_each_track_comes_by_its_number(tmp_path):
    sounds = [Sound(samples=tone(hertz, 1, rate=RATE)) for hertz in (440, 880)]
    path = write_numbered(tmp_path / "a.mkv", frames=24, sounds=sounds)
    for number, sound in enumerate(sounds):
        assert np.abs(heard(path, track=number) / 32_768 - sound.samples).max() < 1e-4
    for format in ("flac", "copy"):
        with pytest.raises(UndecodableMedia, match="2 audio streams and no track 2"):
            call_step("extract_audio", {"track": 2, "format": format}, video=path)


@pytest.mark.parametrize("format", ["flac", "copy"])
def test_a_silent_film_is_refused_with_a_reason(format, tmp_path):
    path = write_numbered(tmp_path / "a.mp4", frames=4)
    with pytest.raises(UndecodableMedia, match=r"no audio stream|0 audio streams"):
        call_step("extract_audio", {"format": format}, video=path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi"])
def test_sound_that_is_shorter_than_the_pictures_is_whole(suffix, tmp_path):
    codec = "libmp3lame" if suffix == ".avi" else "aac"
    path = write_numbered(
        tmp_path / f"a{suffix}", frames=96, sounds=[Sound(samples=tone(440, 1, rate=RATE), codec=codec)]
    )
    assert len(heard(path)) == pytest.approx(RATE, abs=3000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("track", [0, 1])
def test_sound_that_begins_after_the_pictures_is_whole_until_it_is_cut(suffix, track, tmp_path):
    late = Sound(samples=tone(440, 4, rate=RATE), codec="aac", late_s=3)
    early = Sound(samples=tone(440, 7, rate=RATE), codec="aac")
    path = write_numbered(
        tmp_path / f"a{suffix}", frames=168, sounds=[late, early][:: -1 if track else 1],
        header_first=suffix == ".mp4",
    )  # fmt: skip
    assert len(heard(path, track=track)) == pytest.approx(4 * RATE, abs=3000)
    if suffix != ".ts":  # whose header claims nothing
        truncate(path, 0.6)
        with pytest.raises(UndecodableMedia, match="truncated"):
            heard(path, track=track)


def test_sound_alone_whose_clock_does_not_begin_at_0_is_whole(tmp_path):
    path = tmp_path / "a.mka"
    with av.open(str(path), "w", format="matroska") as file:
        sound = Sound(samples=tone(440, 4, rate=RATE), codec="libopus", late_s=20)
        videos.write_sound(file, sound)
    with AudioFile(path) as audio:
        assert sum(map(len, audio.blocks())) == pytest.approx(4 * RATE, abs=3000)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "aac"), (".ts", "aac"), (".webm", "libopus"), (".avi", "libmp3lame"), (".mov", "pcm_s16le")],
)
def test_a_copy_is_the_stream_itself_and_audio_to_every_job(suffix, codec, tmp_path):
    video = "libvpx" if suffix == ".webm" else "libx264"
    path = write_numbered(
        tmp_path / f"a{suffix}",
        frames=24,
        codec=video,
        sounds=[Sound(samples=tone(440, 1, rate=RATE), codec=codec)],
    )
    made, _ = call_step("extract_audio", {"format": "copy"}, video=path)
    again, _ = call_step("extract_audio", {"format": "copy"}, video=path)
    assert made.suffix == ".mka"
    assert made.read_bytes() == again.read_bytes()
    if suffix != ".ts":  # whose AAC packets have headers of their own
        assert packets(made) == packets(path)
    direct, _ = call_step("loudness", audio=made)
    decoded, _ = call_step("loudness", audio=call_step("extract_audio", {"bits": 24}, video=path)[0])
    assert direct["integrated_lufs"] == pytest.approx(
        decoded["integrated_lufs"], abs=0.1
    )  # with the first samples of the encoder


def packets(path):
    """Return the bytes of the packets of the audio stream."""
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(file.streams.audio[0]) if packet.size]


def test_what_matroska_cannot_hold_is_not_copied(tmp_path):
    sound = Sound(samples=tone(440, 1, rate=22_050), codec="nellymoser", rate=22_050)
    path = write_numbered(tmp_path / "a.flv", frames=24, codec="flv", sounds=[sound])
    with pytest.raises(StepError, match=r"cannot copy nellymoser into Matroska.*choose format flac"):
        call_step("extract_audio", {"format": "copy"}, video=path)


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
