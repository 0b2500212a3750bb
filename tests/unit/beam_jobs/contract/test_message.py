"""What is said on Pub/Sub keeps to what Pub/Sub takes."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from beam_jobs.contract.message import ATTRIBUTE_BYTES, attribute_text


@given(st.text(max_size=2000))
@example("ü" * 600)
@example("x" * 1023 + "𝄞")
def test_the_text_of_an_attribute_is_cut_by_bytes_and_between_letters(text):
    cut = attribute_text(text)
    whole = text.encode()
    assert text.startswith(cut)
    assert len(cut.encode()) <= ATTRIBUTE_BYTES
    assert len(cut.encode()) > ATTRIBUTE_BYTES - 4 or cut.encode() == whole


def test_what_utf8_cannot_hold_is_replaced_in_the_text_of_an_attribute():
    assert attribute_text("item \ud800") == "item ?"
