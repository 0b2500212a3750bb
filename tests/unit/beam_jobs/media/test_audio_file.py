import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.audio import BLOCK_FRAMES, AudioFile
from tests.samples import (
    RATE,
    UNDECODABLE,
    noise,
    one_sample_wav,
    song,
    tone,
    truncate,
    twelve_channel_wav,
    two_hours_claimed_flac,
    two_hours_claimed_wav,
    write_audio,
    write_av,
)


def read(path: Path) -> np.ndarray:
    with AudioFile(path) as audio:
        return np.concatenate([block.copy() for block in audio.blocks()])


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".au", ".caf", ".w64"])
def test_lossless_formats_come_back_as_they_were(tmp_path, suffix):
    samples = song(120, 4)[0]
    path = write_audio(tmp_path / f"a{suffix}", samples, subtype="PCM_24")
    assert np.allclose(read(path), samples, atol=2**-22)


@pytest.mark.parametrize("suffix", [".ogg", ".mp3"])
def test_lossy_formats_come_back_in_time_and_nearly_as_they_were(tmp_path, suffix):
    samples = tone(440, 4, channels=2)
    back = read(write_audio(tmp_path / f"a{suffix}", samples))
    assert back.shape == samples.shape
    assert np.abs(back - samples).max() < 0.02


@pytest.mark.parametrize(
    ("codec", "format", "spare"),
    [
        ("libopus", "ogg", 0),
        ("libopus", "webm", 0),
        ("aac", "mp4", 2048),
        ("aac", "adts", 4096),
        ("wmav2", "asf", 8192),
    ],
)
def test_what_libsndfile_cannot_read_comes_through_ffmpeg(tmp_path, codec, format, spare):
    samples = tone(440, 4, rate=48_000, channels=2)
    back = read(write_av(tmp_path / "a", samples, rate=48_000, codec=codec, format=format))
    assert len(samples) - 2048 <= len(back) <= len(samples) + spare
    spectrum = np.abs(np.fft.rfft(back[48_000:96_000, 1]))
    assert int(spectrum.argmax()) == 440
    assert np.isclose(np.abs(back[48_000:96_000]).max(), 0.1, rtol=0.05)


def test_an_opus_file_in_blocks_is_the_one_decoded_whole(tmp_path):
    path = write_av(tmp_path / "a.opus", noise(6, rate=48_000), rate=48_000, codec="libopus", format="ogg")
    whole = soundfile.read(path, dtype="float32", always_2d=True)[0]
    assert np.allclose(read(path), whole, atol=1e-3)


def test_an_mp3_whose_bit_rate_varies_without_an_index_is_read_to_its_end(tmp_path):
    parts = [
        write_av(
            tmp_path / f"{rate}", noise(5), codec="libmp3lame", format="mp3", options={"write_xing": "0"}
        )
        if rate
        else write_av(
            tmp_path / "q", tone(440, 5), codec="libmp3lame", format="mp3", options={"write_xing": "0"}
        )
        for rate in (1, 0)
    ]
    (tmp_path / "joined.mp3").write_bytes(b"".join(part.read_bytes() for part in parts))
    assert 9.9 < len(read(tmp_path / "joined.mp3")) / RATE < 10.3


def test_the_name_of_a_file_does_not_matter(tmp_path):
    samples = tone(440, 1)
    path = write_audio(tmp_path / "a.wav", samples).rename(tmp_path / "a.mp3")
    assert len(read(path)) == len(samples)


def test_blocks_are_of_one_size_and_the_header_is_told(tmp_path):
    samples = noise(4, channels=2)
    with AudioFile(write_audio(tmp_path / "a.flac", samples)) as audio:
        assert (audio.info.rate, audio.info.channels, audio.info.frames) == (RATE, 2, len(samples))
        assert audio.info.duration_s == 4.0
        sizes = [len(block) for block in audio.blocks()]
        assert sizes == [BLOCK_FRAMES, BLOCK_FRAMES, len(samples) - 2 * BLOCK_FRAMES]
        assert audio.seconds_read == 4.0


def test_blocks_of_many_channels_are_short(tmp_path):
    samples = np.zeros((20_000, 200), np.float32)
    with AudioFile(write_audio(tmp_path / "a.wav", samples)) as audio:
        assert max(block.size for block in audio.blocks()) <= 16 * BLOCK_FRAMES


def test_twelve_channels_come_in_their_order(tmp_path):
    back = read(twelve_channel_wav(tmp_path))
    peaks = np.abs(np.fft.rfft(back[:RATE], axis=0)).argmax(axis=0)
    assert list(peaks) == [100 * (channel + 1) for channel in range(12)]


def test_surround_vorbis_comes_in_the_order_of_wave(tmp_path):
    hertz = (200, 400, 600, 800, 1000, 50)
    samples = np.concatenate([tone(h, 2, rate=48_000) for h in hertz], axis=1)
    path = write_audio(tmp_path / "a.ogg", samples, rate=48_000)
    with AudioFile(path) as audio:
        assert audio.info.channels == 6
        back = np.concatenate(list(audio.blocks()))
    # Vorbis names its six channels left, centre, right, surround left and right, low.
    peaks = np.abs(np.fft.rfft(back[:48_000], axis=0)).argmax(axis=0)
    assert list(peaks) == [200, 600, 400, 50, 800, 1000]


def test_one_sample_is_audio(tmp_path):
    assert read(one_sample_wav(tmp_path)).shape == (1, 1)


@pytest.mark.parametrize("fault", [fault for fault in UNDECODABLE if not fault.endswith(" samples")])
def test_a_hostile_file_is_refused_with_a_reason(tmp_path, fault):
    with pytest.raises(UndecodableMedia) as caught:
        read(UNDECODABLE[fault](tmp_path))
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize("suffix", [".ogg", ".flac", ".wav", ".mp3", ".aiff", ".au"])
def test_a_truncated_file_is_refused_with_how_much_could_be_decoded(tmp_path, suffix):
    path = truncate(write_audio(tmp_path / f"a{suffix}", song(120, 10)[0]))
    with pytest.raises(UndecodableMedia, match=r"truncated: only \d\.\d{3} s") as caught:
        read(path)
    seconds = float(str(caught.value).split("only ")[1].split(" s")[0])
    assert 4 < seconds < 8


@pytest.mark.parametrize(
    ("codec", "format", "options"),
    [
        ("libopus", "ogg", {}),
        ("libopus", "webm", {}),
        ("aac", "mp4", {"movflags": "faststart"}),
        ("aac", "mp4", {}),
    ],
)
def test_a_truncated_file_is_refused_by_ffmpeg_as_well(tmp_path, codec, format, options):
    samples = song(120, 10, rate=48_000)[0]
    path = write_av(tmp_path / "a", samples, rate=48_000, codec=codec, format=format, options=options)
    with pytest.raises(UndecodableMedia):
        read(truncate(path))


@pytest.mark.parametrize(
    ("codec", "format", "options"),
    [("aac", "matroska", {}), ("libopus", "webm", {}), ("aac", "mp4", {"movflags": "faststart"})],
)
def test_a_recording_that_lost_its_sound_for_a_while_is_whole_until_it_is_cut(
    tmp_path, codec, format, options
):
    samples = tone(440, 8, rate=48_000)
    path = write_av(
        tmp_path / "a", samples, rate=48_000, codec=codec, format=format, options=options, lost_s=4
    )
    assert len(read(path)) == pytest.approx(len(samples), abs=3000)
    truncate(path, 0.8)
    with pytest.raises(UndecodableMedia, match="truncated"):
        read(path)


def test_an_ogg_cut_between_two_pages_is_truncated_too(tmp_path):
    path = write_audio(tmp_path / "a.ogg", song(120, 10)[0])
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"OggS")])
    with pytest.raises(UndecodableMedia, match="last Ogg page does not end the stream"):
        read(path)


@pytest.mark.parametrize("claim", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_written_to_a_pipe_claims_no_length_and_is_read(tmp_path, claim):
    path = write_audio(tmp_path / "a.wav", tone(440, 1))
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = claim.to_bytes(4, "little")
    path.write_bytes(data)
    assert len(read(path)) == RATE


def test_a_wav_with_a_tag_behind_its_samples_is_whole(tmp_path):
    path = write_audio(tmp_path / "a.wav", tone(440, 1))
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    assert len(read(path)) == RATE


def test_a_file_without_samples_is_refused(tmp_path):
    path = write_audio(tmp_path / "a.wav", np.zeros((0, 1), np.float32))
    with pytest.raises(UndecodableMedia, match="holds no samples"):
        read(path)


def test_an_absurd_sample_rate_is_refused(tmp_path):
    path = write_audio(tmp_path / "a.wav", tone(440, 1), rate=10)
    with pytest.raises(UndecodableMedia, match="claims 10 Hz"):
        read(path)


def test_loud_float_samples_are_audio(tmp_path):
    samples = 40_000 * tone(440, 1)
    assert np.allclose(read(write_audio(tmp_path / "a.wav", samples, subtype="FLOAT")), samples)


@pytest.mark.parametrize("file", [two_hours_claimed_wav, two_hours_claimed_flac])
def test_no_memory_is_taken_for_what_a_header_claims(tmp_path, file):
    path = file(tmp_path)
    script = (
        "import resource, sys; from pathlib import Path\n"
        "import soundfile, beam_jobs.media.decode_soundfile\n"
        "from beam_jobs.media.audio import AudioFile, UndecodableMedia\n"
        "pages = int(Path('/proc/self/statm').read_text().split()[0])\n"
        "limit = pages * resource.getpagesize() + (64 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "try: list(AudioFile(Path(sys.argv[1])).blocks())\n"
        "except UndecodableMedia as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert "truncated" in done.stdout


def test_tags_that_are_no_text_do_not_keep_a_file_from_being_read(tmp_path):
    path = write_av(tmp_path / "a", noise(1, rate=48_000), rate=48_000, codec="libopus", format="webm")
    whole = path.read_bytes()
    assert whole.count(b"Lavf")
    path.write_bytes(whole.replace(b"Lavf", b"\xd3avf"))
    assert len(read(path)) > 47_000


def test_a_lack_of_memory_is_not_blamed_on_the_file(tmp_path, monkeypatch):
    path = write_av(tmp_path / "a", noise(1), codec="aac", format="mp4")

    def refuse(*_, **__):
        raise av.error.MemoryError(12, "Cannot allocate memory")

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(MemoryError, match="Cannot allocate"):
        read(path)
