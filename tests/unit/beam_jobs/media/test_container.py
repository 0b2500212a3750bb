from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.audio import AudioFile
from beam_jobs.media.container import MAX_PIXELS, open_container, packets_of, refusal
from tests.fuzz.crafted import zeros_deflated
from tests.fuzz.originals import AUDIO, VIDEOS, video_of_packets

DECODE = """
import resource, sys
from pathlib import Path
import av
from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.container import open_container
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
frames = []
try:
    with open_container(Path(sys.argv[1]), "mov", kind="mp4") as file:
        for frame in file.decode(video=0):
            frames.append((frame.width, frame.height))
except (av.error.FFmpegError, UndecodableMedia) as error:
    frames.append(type(error).__name__)
print(frames, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def _black(side: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("sides", "seen"),
    [
        ([64, 2_000], [(64, 64), (2_000, 2_000)]),
        ([13_000], ["ArgumentError"]),
        ([64, 13_000, 64], [(64, 64), "ArgumentError"]),
    ],
)
def test_a_frame_of_too_many_pixels_is_refused_before_it_takes_memory(
    tmp_path: Path, sides: list[int], seen: list[object]
) -> None:
    assert MAX_PIXELS < 13_000**2
    path = tmp_path / "a.mov"
    path.write_bytes(video_of_packets([_black(side) for side in sides]))
    done = subprocess.run(
        [sys.executable, "-c", DECODE, str(path)], capture_output=True, text=True, check=True
    )
    frames, _, grown_mb = done.stdout.strip().rpartition(" ")
    assert frames == str(seen)
    assert int(grown_mb) < 20


def test_a_format_that_it_is_not_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a"
    AUDIO["m4a"](path)
    with pytest.raises(UndecodableMedia, match="not decodable as matroska: Invalid data"):
        open_container(path, "matroska", kind="matroska")


@pytest.mark.parametrize(
    "name", ["pipe:0", "concat:a|b", "http:x", "-", "%d.png", "subfile,,start,0,end,9,,:x"]
)
def test_a_name_is_a_file_whatever_it_looks_like(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    AUDIO["m4a"](tmp_path / "made")
    (tmp_path / "made").rename(name)
    with open_container(Path(name), "mov", kind="mp4") as file:
        assert file.streams.audio[0].codec_context.name == "aac"


def test_a_lack_of_memory_says_nothing_of_the_file() -> None:
    import av

    assert isinstance(refusal(av.error.MemoryError(12, "Cannot allocate memory")), MemoryError)
    assert isinstance(refusal(av.error.InvalidDataError(1, "Invalid data")), UndecodableMedia)


def test_deflated_zeros_are_zeros() -> None:
    import zlib

    for size in (0, 77, 1 << 20, (3 << 20) + 77):
        assert zlib.decompress(zeros_deflated(size)) == bytes(size)


def test_an_unknown_codec_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    AUDIO["mka"](path)
    assert path.read_bytes().count(b"A_MPEG/L3") == 1
    path.write_bytes(path.read_bytes().replace(b"A_MPEG/L3", b"A_NONE/L3"))
    with pytest.raises(UndecodableMedia, match="no decoder for the audio in the matroska file"):
        AudioFile(path)


def test_a_video_codec_that_is_unknown_does_not_keep_the_sound_from_being_read(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    VIDEOS["webm"](path)
    path.write_bytes(path.read_bytes().replace(b"V_VP9", b"V_NO9"))
    with AudioFile(path) as audio:
        assert sum(map(len, audio.blocks())) > 50_000


def test_a_stream_that_appears_on_the_way_does_not_keep_a_file_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    VIDEOS["ts"](path)
    late = bytearray(path.read_bytes())
    last = max(at for at in range(0, len(late), 188) if late[at + 1] == 0x41)  # a packet begins here
    late[last + 1] = 0x44  # of another stream
    path.write_bytes(late)
    with open_container(path, "mpegts", kind="mpegts") as file, pytest.raises(IndexError):
        list(file.demux())
    with open_container(path, "mpegts", kind="mpegts") as file:
        assert len(list(packets_of(file))) > 50
