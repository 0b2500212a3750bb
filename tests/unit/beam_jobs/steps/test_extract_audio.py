"""The sound of videos, against what was written, PyAV used directly, and FFmpeg where it is installed."""

from __future__ import annotations

import shutil
import subprocess

import av
import numpy as np
import pytest
import soundfile

from beam_jobs.contract.errors import StepError, UndecodableMedia
from beam_jobs.media.audio import AudioFile
from tests import videos
from tests.samples import noise, tone, truncate
from tests.step_calls import call_step
from tests.videos import RATE, Sound, keyframes, number_of, sheet, tiles, write_numbered

FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def heard(path, **params):
    """Return the samples of the extracted audio, as whole numbers of 1/32768."""
    made, _ = call_step("extract_audio", params, video=path)
    samples, rate = soundfile.read(made, dtype="int16", always_2d=True)
    assert rate == RATE
    return samples


def run(*command):
    return subprocess.run(command, capture_output=True, check=True).stdout


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


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi"])
def test_a_copy_of_a_truncated_video_is_refused_as_its_sound_is(suffix, tmp_path):
    codec = "libmp3lame" if suffix == ".avi" else "aac"
    path = write_numbered(
        tmp_path / f"a{suffix}", frames=288, sounds=[Sound(samples=tone(440, 12, rate=RATE), codec=codec)],
        header_first=suffix == ".mp4",
    )  # fmt: skip
    _, call = call_step("extract_audio", {"format": "copy"}, video=path)
    assert call.media_seconds == pytest.approx(12, abs=0.1)
    truncate(path, 0.5)
    with pytest.raises(UndecodableMedia, match="truncated"):
        heard(path)
    said = r"its header claims" if suffix == ".avi" else r"only \d\.\d{3} s of 12\.\d{3} s are there"
    with pytest.raises(UndecodableMedia, match=f"the file is truncated: {said}"):
        call_step("extract_audio", {"format": "copy"}, video=path)


def test_what_matroska_cannot_hold_is_not_copied(tmp_path):
    sound = Sound(samples=tone(440, 1, rate=22_050), codec="nellymoser", rate=22_050)
    path = write_numbered(tmp_path / "a.flv", frames=24, codec="flv", sounds=[sound])
    with pytest.raises(StepError, match=r"cannot copy nellymoser into Matroska.*choose format flac"):
        call_step("extract_audio", {"format": "copy"}, video=path)
