"""What one would use instead of a step: the plain library call, or the command.

Each function takes a file and a folder for what it makes. A command's CPU seconds are those of its process.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Instead = Callable[[Path, Path], Any]

SAFE = ("-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe")


def _ffmpeg(*options: str, make: str = "") -> Instead:
    def run(path: Path, folder: Path) -> None:
        target = [str(folder / f"made{make}")] if make else ["-f", "null", "-"]
        command = ["ffmpeg", *SAFE, "-threads", "1", "-y", "-i", str(path), *options, *target]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    return run


def _command(name: str, *options: str) -> Instead:
    def run(path: Path, folder: Path) -> None:
        subprocess.run([name, *options, str(path)], check=True, stdin=subprocess.DEVNULL, capture_output=True)

    return run


def _librosa(work: Callable[[Any, Any, Any], Any]) -> Instead:
    """Load as librosa does by default, then work."""

    def run(path: Path, folder: Path) -> Any:
        import librosa

        samples, rate = librosa.load(path)
        return work(librosa, samples, rate)

    return run


def _floor(path: Path, folder: Path) -> None:
    """Decode, mix, resample and encode in blocks: no step that does the same can take less."""
    from benchmarks.bare_pool import plain

    plain((str(path), str(folder / "made.flac")))


def _librosa_downsample(path: Path, folder: Path) -> None:
    import librosa
    import soundfile

    samples, rate = librosa.load(path)
    soundfile.write(folder / "made.flac", samples, rate)


def _pyloudnorm(path: Path, folder: Path) -> Any:
    import pyloudnorm
    import soundfile

    samples, rate = soundfile.read(path)
    return pyloudnorm.Meter(rate).integrated_loudness(samples)


def _libebur128(path: Path, folder: Path) -> Any:
    """Integrated loudness, range and true peak, as the step; without the curve."""
    import numpy as np
    import pyebur128
    import soundfile

    modes = pyebur128.MeasurementMode
    with soundfile.SoundFile(path) as song:
        mode = modes.MODE_I | modes.MODE_LRA | modes.MODE_TRUE_PEAK
        meter = pyebur128.R128State(song.channels, song.samplerate, mode)
        for block in song.blocks(65536, dtype="float32", always_2d=True):
            meter.add_frames(np.ascontiguousarray(block).reshape(-1), len(block))
    return pyebur128.get_loudness_global(meter)


def _spectral(librosa: Any, y: Any, sr: Any) -> Any:
    feature = librosa.feature
    mel = librosa.power_to_db(feature.melspectrogram(y=y, sr=sr))
    found = [mel, feature.mfcc(y=y, sr=sr)]
    found += [f(y=y, sr=sr) for f in (feature.spectral_centroid, feature.spectral_bandwidth)]
    return [*found, feature.spectral_rolloff(y=y, sr=sr), feature.spectral_flatness(y=y)]


def _plots(librosa: Any, y: Any, sr: Any) -> Any:
    import io

    import librosa.display
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2)
    librosa.display.waveshow(y, sr=sr, ax=axes[0])
    mel = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr))
    librosa.display.specshow(mel, sr=sr, ax=axes[1], x_axis="time", y_axis="mel")
    figure.savefig(io.BytesIO(), format="png")
    pyplot.close(figure)


def _vocals(librosa: Any, y: Any, sr: Any) -> Any:
    """Separate as librosa's own example does."""
    import numpy as np

    full, phase = librosa.magphase(librosa.stft(y))
    width = int(librosa.time_to_frames(2, sr=sr))
    like = librosa.decompose.nn_filter(full, aggregate=np.median, metric="cosine", width=width)
    like = np.minimum(full, like)
    masks = [
        librosa.util.softmask(like, 2 * (full - like), power=2),
        librosa.util.softmask(full - like, 10 * like, power=2),
    ]
    return [librosa.istft(mask * full * phase) for mask in masks]


def _essentia(name: str, **params: Any) -> Instead:
    def run(path: Path, folder: Path) -> Any:
        import essentia.standard as essentia

        samples = essentia.MonoLoader(filename=str(path), sampleRate=44100)()
        return getattr(essentia, name)(**params)(samples)

    return run


def _pillow(size: int) -> Instead:
    def run(path: Path, folder: Path) -> None:
        from PIL import Image, ImageOps

        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)
            image.thumbnail((size, size))
            image.convert("RGB").save(folder / "made.jpg", quality=85)

    return run


def _pillow_resize(path: Path, folder: Path) -> None:
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        scale = min(1, 1920 / max(image.size))
        size = (round(image.width * scale), round(image.height * scale))
        image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(folder / "made.jpg", quality=85)


def _imagehash(path: Path, folder: Path) -> Any:
    """Hash as imagehash's own example does."""
    import imagehash
    from PIL import Image

    with Image.open(path) as image:
        return [imagehash.phash(image), imagehash.dhash(image)]


def _fpcalc(path: Path, folder: Path) -> None:
    """Take the fingerprint of the whole; it ends with 3 when FFmpeg tells it of the end of an Ogg file."""
    command = ["fpcalc", "-length", "0", str(path)]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    if b"FINGERPRINT=" not in done.stdout:
        raise RuntimeError(done.stderr.decode())


def _model(path: Path, folder: Path) -> Any:
    from benchmarks.steps.model import instead

    return instead(path, folder)


INSTEAD: dict[str, dict[str, Instead]] = {
    "downsample": {
        "bare codecs and soxr": _floor,
        "ffmpeg with soxr": _ffmpeg("-ac", "1", "-af", "aresample=22050:resampler=soxr", make=".flac"),
        "ffmpeg with its own resampler": _ffmpeg("-ac", "1", "-ar", "22050", make=".flac"),
        "librosa.load": _librosa_downsample,
    },
    "transcode": {"ffmpeg": _ffmpeg("-c:a", "flac", make=".flac")},
    "excerpt": {"ffmpeg": _ffmpeg("-ss", "30", "-t", "30", make=".flac")},
    "split": {"ffmpeg": _ffmpeg("-f", "segment", "-segment_time", "30", "-c:a", "flac", make="%05d.flac")},
    "probe": {"ffprobe": _command("ffprobe", "-v", "error", "-show_format", "-show_streams")},
    "quality": {"ffmpeg astats": _ffmpeg("-af", "astats,silencedetect=d=0.5")},
    "loudness": {
        "libebur128": _libebur128,
        "ffmpeg ebur128": _ffmpeg("-af", "ebur128=peak=true"),
        "pyloudnorm (integrated only)": _pyloudnorm,
    },
    "beat_tracking": {
        "librosa": _librosa(lambda librosa, y, sr: librosa.beat.beat_track(y=y, sr=sr)),
        "essentia": _essentia("RhythmExtractor2013", method="degara"),
    },
    "energy": {"librosa": _librosa(lambda librosa, y, sr: librosa.feature.rms(y=y))},
    "spectral": {"librosa": _librosa(_spectral)},
    "plots": {"librosa": _librosa(_plots)},
    "onsets": {"librosa": _librosa(lambda librosa, y, sr: librosa.onset.onset_detect(y=y, sr=sr))},
    "mel_spectrogram": {"librosa": _librosa(lambda lib, y, sr: lib.feature.melspectrogram(y=y, sr=sr))},
    "mfcc": {"librosa": _librosa(lambda librosa, y, sr: librosa.feature.mfcc(y=y, sr=sr))},
    "chroma": {"librosa": _librosa(lambda librosa, y, sr: librosa.feature.chroma_stft(y=y, sr=sr))},
    "key": {
        "librosa chroma only": _librosa(lambda librosa, y, sr: librosa.feature.chroma_stft(y=y, sr=sr)),
        "essentia": _essentia("KeyExtractor"),
    },
    "pitch": {"librosa": _librosa(lambda lib, y, sr: lib.pyin(y, sr=sr, fmin=65, fmax=2093))},
    "separate_vocals": {"librosa's example": _librosa(_vocals)},
    "fingerprint": {"fpcalc": _fpcalc},
    "run_model": {"librosa and onnxruntime": _model},
    "image_probe": {"ffprobe": _command("ffprobe", "-v", "error", "-show_streams")},
    "thumbnail": {"Pillow": _pillow(256)},
    "resize": {"Pillow": _pillow_resize},
    "perceptual_hash": {"imagehash and Pillow": _imagehash},
    "video_probe": {"ffprobe": _command("ffprobe", "-v", "error", "-show_format", "-show_streams")},
    "keyframes": {"ffprobe": _command("ffprobe", "-v", "error", "-skip_frame", "nokey", "-show_frames")},
    "thumbnails_sheet": {
        "ffmpeg": _ffmpeg("-vf", "fps=1,scale=160:-1,tile=4x4", "-frames:v", "1", make=".jpg"),
    },
    "extract_audio": {"ffmpeg": _ffmpeg("-vn", "-c:a", "flac", make=".flac")},
}
"""Step -> the alternatives to it."""

WITHOUT: dict[str, str] = {
    "instrumentalness": "librosa and FFmpeg do not tell it; Essentia does by models whose weights are not in "
    "its package.",
    "speechiness": "detectors of voice activity, as webrtcvad, tell speech from silence and noise, not from "
    "music.",
}
"""Steps without an alternative -> why."""

NEEDS = {"ffmpeg": "ffmpeg", "ffprobe": "ffprobe", "fpcalc": "fpcalc"}


def is_there(name: str) -> bool:
    """Tell whether what an alternative needs is installed."""
    import importlib.util

    first = name.split(maxsplit=1)[0]
    if first in NEEDS:
        return shutil.which(NEEDS[first]) is not None
    return first != "essentia" or importlib.util.find_spec("essentia") is not None
