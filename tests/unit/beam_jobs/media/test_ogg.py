import numpy as np
import pytest
import soundfile

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.audio import AudioFile
from beam_jobs.media.ogg import checksum, cut_reason, set_serial
from tests.samples import song, truncate, write_audio


@pytest.fixture
def ogg(tmp_path):
    return write_audio(tmp_path / "a.ogg", song(120, 5)[0])


def first_page(data: bytes) -> bytearray:
    segments = data[26]
    return bytearray(data[: 27 + segments + sum(data[27 : 27 + segments])])


def test_the_checksum_is_the_one_that_libogg_wrote(ogg):
    page = first_page(ogg.read_bytes())
    written = int.from_bytes(page[22:26], "little")
    page[22:26] = bytes(4)
    assert checksum(page) == written


def test_a_new_serial_number_changes_no_sample(ogg):
    before = soundfile.read(ogg)[0]
    set_serial(ogg, 0xDEADBEEF)
    data = ogg.read_bytes()
    assert data.count((0xDEADBEEF).to_bytes(4, "little")) == data.count(b"OggS\x00")
    assert np.array_equal(soundfile.read(ogg)[0], before)


def test_a_file_that_is_no_ogg_is_not_written_to(tmp_path):
    (tmp_path / "a").write_bytes(b"no pages here")
    with pytest.raises(ValueError, match="no Ogg page at byte 0"):
        set_serial(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"no pages here"


def test_a_whole_file_is_not_cut(ogg):
    assert cut_reason(ogg) is None


def test_a_tag_behind_the_last_page_is_no_cut(ogg):
    ogg.write_bytes(ogg.read_bytes() + b"TAG" + bytes(125))
    assert cut_reason(ogg) is None


@pytest.mark.parametrize("part", [0.3, 0.6, 0.999])
def test_a_cut_file_says_so(ogg, part):
    assert cut_reason(truncate(ogg, part)) is not None


def skip_in_the_middle(path, samples):
    """Let the positions of an Ogg file's later pages jump by ``samples`` that no packet holds."""
    whole = path.read_bytes()
    data = bytearray()
    while len(data) < len(whole):
        page = first_page(whole[len(data) :])
        if len(data) > len(whole) // 2:
            position = int.from_bytes(page[6:14], "little", signed=True)
            page[6:14] = (position + samples).to_bytes(8, "little")
        page[22:26] = bytes(4)
        page[22:26] = checksum(page).to_bytes(4, "little")
        data += page
    path.write_bytes(data)


def test_a_song_whose_pages_skip_a_few_samples_is_read_to_its_end(tmp_path):
    ogg = write_audio(tmp_path / "a.ogg", song(120, 10)[0])
    before = soundfile.read(ogg, dtype="float32")[0]
    skip_in_the_middle(ogg, 500)
    with AudioFile(ogg) as audio:
        after = np.concatenate([block.copy() for block in audio.blocks()])
        assert audio.info.frames > len(before)
    assert np.array_equal(after, before)


def test_an_ogg_that_lacks_a_good_part_of_what_it_claims_is_refused(tmp_path):
    ogg = write_audio(tmp_path / "a.ogg", song(120, 10)[0])
    skip_in_the_middle(ogg, 44_100)
    with AudioFile(ogg) as audio, pytest.raises(UndecodableMedia, match="the stream ends early"):
        list(audio.blocks())
