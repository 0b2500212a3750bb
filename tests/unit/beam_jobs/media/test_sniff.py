from pathlib import Path

import pytest
from PIL import Image

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.sniff import sniff, sniff_video
from tests.fuzz.originals import VIDEOS
from tests.samples import tone, write_audio, write_av


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        (".wav", "wav"),
        (".flac", "flac"),
        (".ogg", "ogg-vorbis"),
        (".mp3", "mp3"),
        (".aiff", "aiff"),
        (".au", "au"),
        (".caf", "caf"),
        (".w64", "w64"),
        (".rf64", "wav"),
    ],
)
def test_a_file_is_known_by_its_bytes_and_not_by_its_name(tmp_path, suffix, kind):
    path = write_audio(tmp_path / f"a{suffix}", tone(440, 0.2))
    assert sniff(path.rename(tmp_path / "named.xyz")) == kind


@pytest.mark.parametrize(
    ("codec", "format", "kind"),
    [
        ("libopus", "ogg", "ogg-opus"),
        ("libopus", "webm", "matroska"),
        ("aac", "mp4", "mp4"),
        ("aac", "adts", "adts"),
        ("wmav2", "asf", "asf"),
    ],
)
def test_what_ffmpeg_writes_is_known(tmp_path, codec, format, kind):
    assert (
        sniff(write_av(tmp_path / "a", tone(440, 0.2, rate=48000), rate=48000, codec=codec, format=format))
        == kind
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mp4", "mp4"), ("mov", "mp4"), ("webm", "matroska"), ("avi", "avi"), ("flv", "flv"),
        ("ts", "mpegts"),
        ("mpeg", "mpegps"),
    ],
)  # fmt: skip
def test_videos_are_known(tmp_path, name, kind):
    VIDEOS[name](tmp_path / "a")
    assert sniff_video(tmp_path / "a") == sniff(tmp_path / "a") == kind


def test_transport_streams_of_cameras_and_movies_from_before_ftyp_are_known(tmp_path):
    VIDEOS["ts"](tmp_path / "ts")
    packets = (tmp_path / "ts").read_bytes()
    timed = b"".join(bytes(4) + packets[at : at + 188] for at in range(0, len(packets), 188))
    (tmp_path / "m2ts").write_bytes(timed)
    assert sniff_video(tmp_path / "m2ts") == "mpegts"
    VIDEOS["mov"](tmp_path / "mov")
    movie = (tmp_path / "mov").read_bytes()
    (tmp_path / "old").write_bytes(movie[int.from_bytes(movie[:4], "big") :])
    assert sniff_video(tmp_path / "old") == "mp4"


def test_sound_and_pictures_are_no_video(tmp_path):
    with pytest.raises(UndecodableMedia, match="a wav file holds no video"):
        sniff_video(write_audio(tmp_path / "a.wav", tone(440, 0.2)))
    Image.new("RGB", (9, 9)).save(tmp_path / "a.webp")
    with pytest.raises(UndecodableMedia, match="no known video format"):
        sniff_video(tmp_path / "a.webp")


def test_an_mp3_without_an_index_is_a_kind_of_its_own(tmp_path):
    indexed = write_av(tmp_path / "a", tone(440, 0.5), codec="libmp3lame", format="mp3")
    bare = write_av(
        tmp_path / "b", tone(440, 0.5), codec="libmp3lame", format="mp3", options={"write_xing": "0"}
    )
    assert (sniff(indexed), sniff(bare)) == ("mp3", "mp3-unindexed")


def test_a_tag_before_the_audio_is_passed_over(tmp_path):
    audio = write_audio(tmp_path / "a.flac", tone(440, 0.2)).read_bytes()
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 40, 0]) + bytes(40 * 128)
    (tmp_path / "tagged").write_bytes(tag + audio)
    assert sniff(tmp_path / "tagged") == "flac"


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xe9\x90\x00",
        b"\xff\xfb\xf0\x00",
        b"\xff\xfb",
        b"#EXTM3U\nfile:///etc/passwd\n",
        b"\x89PNG\r\n\x1a\n",
        b"x",
    ],
)
def test_what_holds_no_audio_is_refused_with_its_first_bytes(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UndecodableMedia, match="no known audio format") as caught:
        sniff(tmp_path / "a")
    assert repr(content[:16]) in str(caught.value)


def test_a_missing_file_is_not_called_undecodable(tmp_path):
    with pytest.raises(FileNotFoundError):
        sniff(Path(tmp_path / "absent"))
