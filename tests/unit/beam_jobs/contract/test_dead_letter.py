"""Reasons fit into an attribute of Pub/Sub, and files keep what came."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from beam_jobs.contract.dead_letter import (
    KEPT_ATTRIBUTES,
    MAX_ATTRIBUTE_BYTES,
    cut_reason,
    dead_attributes,
    dead_body,
    dead_row,
)


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_reason_is_cut_by_bytes_between_characters(reason, most):
    cut = cut_reason(reason, most=most)
    assert reason.startswith(cut)
    assert len(cut.encode()) <= most
    assert len(cut) == len(reason) or len(cut.encode()) > most - 4


def test_a_reason_with_half_a_surrogate_can_be_sent():
    assert cut_reason("item 'a\udcff'") == "item 'a\\udcff'"


def test_a_dead_letter_keeps_its_attributes_and_says_why():
    said = dead_attributes({"origin": "x"}, reason="ü" * 2000, message_id="7")
    assert said == {"origin": "x", "media_reason": "ü" * (MAX_ATTRIBUTE_BYTES // 2), "media_message_id": "7"}


def test_a_file_keeps_text_as_text_and_anything_else_in_base64():
    row = dead_row(b"a", reason="r", message_id="7", attributes={"x": "y"})
    assert row == {"message_id": "7", "reason": "r", "data": "a", "attributes": {"x": "y"}}
    row = dead_row(b"\xff", reason="r", message_id="7", attributes={})
    assert base64.b64decode(row["data_base64"]) == b"\xff"


@given(st.binary())
def test_a_file_gives_back_the_bytes_that_came(data):
    assert dead_body(dead_row(data, reason="r", message_id="7", attributes={})) == data


def test_a_message_with_all_attributes_that_can_be_keeps_room_for_the_reason():
    said = dead_attributes({f"a{n}": "x" for n in range(100)}, reason="r", message_id="7")
    assert len(said) == KEPT_ATTRIBUTES + 2
    assert said["media_reason"] == "r"
