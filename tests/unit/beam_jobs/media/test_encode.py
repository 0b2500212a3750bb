import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from beam_jobs.contract.errors import StepError, StorageError
from beam_jobs.media.audio import AudioFile
from beam_jobs.media.encode import AudioWriter
from beam_jobs.media.encode_any import open_writer
from beam_jobs.media.lossy_rates import MP3_RATES, mp3_kbps
from tests.samples import noise, song, tone

FORMATS = ["flac", "ogg", "wav"]
ALL_FORMATS = [*FORMATS, "opus", "mp3"]


def write(path, samples, format, **options):
    with AudioWriter(path, format=format, rate=22_050, channels=samples.shape[1], **options) as writer:
        writer.write(samples)
    return path


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_written_can_be_read_to_the_last_sample(tmp_path, format):
    samples = song(120, 5, rate=22_050)[0]
    back, rate = soundfile.read(write(tmp_path / "a", samples, format), dtype="float32", always_2d=True)
    assert rate == 22_050
    assert back.shape == samples.shape
    assert np.sqrt(np.mean((back - samples) ** 2)) < (0.02 if format == "ogg" else 2**-15)


@pytest.mark.parametrize("format", ["flac", "wav"])
@pytest.mark.parametrize("bits", [16, 24])
def test_the_error_is_half_a_step_of_the_bits(tmp_path, format, bits):
    samples = noise(1, dbfs=-20)
    back, _ = soundfile.read(write(tmp_path / "a", samples, format, bits=bits), always_2d=True)
    assert np.abs(back - samples).max() <= 2.0 ** (1 - bits)


def louder_db(path, samples, rate, **options):
    """Return by how much a file of ``samples`` is louder than these, its ends left out."""
    path.unlink(missing_ok=True)
    with open_writer(path, rate=rate, channels=samples.shape[1], **options) as writer:
        writer.write(samples)
    with AudioFile(path) as audio:
        back = np.concatenate(list(audio.blocks()))
    middle = slice(len(samples) // 4, 3 * len(samples) // 4)
    return 10 * np.log10(np.square(back[middle]).mean() / np.square(samples[middle]).mean())


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", MP3_RATES)
def test_mp3_is_as_loud_as_its_source_at_every_rate_and_bit_rate(tmp_path, rate, channels):
    samples = tone(440, 2, rate=rate, dbfs=-12, channels=channels)
    found = {
        kbps: louder_db(tmp_path / "a.mp3", samples, rate, format="mp3", bit_rate_kbps=kbps)
        for kbps in mp3_kbps(rate)
    }
    assert {kbps: found[kbps] for kbps in found if abs(found[kbps]) > 0.05 and kbps >= 32} == {}
    assert max(map(abs, found.values())) < 0.15  # 8 kbit/s hold no tone exactly


@pytest.mark.parametrize(("format", "options"), [
    *((format, {}) for format in ALL_FORMATS),
    *(("ogg", {"quality": quality}) for quality in (0, 10)),
    *(("opus", {"bit_rate_kbps": kbps}) for kbps in (16, 64, 256)),
])  # fmt: skip
def test_a_tone_is_as_loud_in_every_format(tmp_path, format, options):
    samples = tone(997, 2, rate=48_000, dbfs=-12, channels=2)
    exact = 0.15 if format in ("ogg", "opus") else 0.05  # of one tone alone; no gain is that small
    assert louder_db(tmp_path / "a", samples, 48_000, format=format, **options) == pytest.approx(0, abs=exact)


@pytest.mark.parametrize("kbps", [96, 128, 192, 224, 320])
def test_mp3_of_full_scale_is_not_clipped(tmp_path, kbps):
    samples = tone(997, 2, rate=44_100, dbfs=0)
    path = tmp_path / "a.mp3"
    assert louder_db(path, samples, 44_100, format="mp3", bit_rate_kbps=kbps) == pytest.approx(0, abs=0.05)
    with AudioFile(path) as audio:
        back = np.concatenate(list(audio.blocks()))[22_050:66_150, 0]
    spectrum = np.abs(np.fft.rfft(back * np.hanning(len(back))))
    assert spectrum[2900:3080].max() < 1e-4 * spectrum.max()  # the third harmonic, which clipping makes


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_samples_give_the_same_bytes_at_another_time(tmp_path, format):
    samples = song(120, 3, rate=22_050)[0]
    first = write(tmp_path / "a", samples, format).read_bytes()
    time.sleep(1.1)  # libsndfile seeds the serial number of an Ogg stream with the time
    assert write(tmp_path / "b", samples, format).read_bytes() == first


@pytest.mark.parametrize("format", ["flac", "wav"])
def test_beyond_full_scale_it_clips_and_does_not_wrap(tmp_path, format):
    back, _ = soundfile.read(write(tmp_path / "a", tone(100, 1, dbfs=6), format))
    assert back.max() > 0.9999
    assert np.abs(np.diff(back)).max() < 0.1


def test_a_long_block_of_vorbis_is_written_without_a_crash(tmp_path):
    path = tmp_path / "a.ogg"
    script = (
        "import sys, numpy as np; from pathlib import Path; from beam_jobs.media.encode import AudioWriter\n"
        "with AudioWriter(Path(sys.argv[1]), format='ogg', rate=8000, channels=2) as writer:\n"
        "    writer.write(np.zeros((3_000_000, 2), np.float32))\n"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == 0
    assert soundfile.info(path).frames == 3_000_000


def test_flac_refuses_more_channels_than_it_has_with_what_to_do(tmp_path):
    with pytest.raises(StepError, match="at most 8 channels and this has 12; choose format wav"):
        AudioWriter(tmp_path / "a", format="flac", rate=22_050, channels=12)
    assert not (tmp_path / "a").exists()


def test_an_error_leaves_no_file(tmp_path):
    def fail():
        with AudioWriter(tmp_path / "a", format="wav", rate=22_050, channels=1) as writer:
            writer.write(noise(1))
            raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        fail()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("format", ["wav", "mp3"])
def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path, format):
    def fail():
        path = tmp_path / "absent" / "a.wav"
        with open_writer(path, format=format, rate=22_050, channels=1) as writer:
            writer.write(noise(1))

    with pytest.raises(StorageError, match=r"cannot write a\.wav: No such file"):
        fail()


@pytest.mark.parametrize("format", ALL_FORMATS)
def test_a_full_disk_is_a_storage_error_and_leaves_no_file(tmp_path, format):
    """Wherever the disk fills, at the last byte too, which libsndfile writes on closing."""
    samples = song(120, 3, rate=48_000)[0][:, :1]
    with open_writer(tmp_path / "whole", format=format, rate=48_000, channels=1) as writer:
        writer.write(samples)
    size = (tmp_path / "whole").stat().st_size
    np.save(tmp_path / "samples.npy", samples)
    script = (
        "import resource, signal, sys, numpy as np; from pathlib import Path\n"
        "from beam_jobs.contract.errors import StorageError\n"
        "from beam_jobs.media.encode_any import open_writer\n"
        "samples = np.load(sys.argv[1]); path = Path(sys.argv[2])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "for limit in map(int, sys.argv[4:]):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))\n"
        "    try:\n"
        "        with open_writer(path, format=sys.argv[3], rate=48000, channels=1) as writer:\n"
        "            writer.write(samples)\n"
        "    except StorageError as error: print(error, path.exists())\n"
    )
    limits = [100, 5_000, size - 1_000, size - 1]
    arguments = [tmp_path / "samples.npy", tmp_path / "a", format, *map(str, limits)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout == "cannot write a: File too large False\n" * len(limits)
    assert "Traceback" not in done.stderr
