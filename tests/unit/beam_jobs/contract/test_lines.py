"""Manifest and report lines: what goes in comes out, and every reader sees the same lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_jobs.contract.errors import InvalidSpec
from beam_jobs.contract.events import decode_event, encode_event
from beam_jobs.contract.json_lines import encode_line
from beam_jobs.contract.manifest import ManifestRow, decode_row, encode_plain_rows, encode_row
from beam_jobs.contract.report import ReportRow, Status, decode_report_row, encode_report_row

ANY_TEXT = st.text(alphabet=st.characters(codec=None))


@given(item=ANY_TEXT, force=st.booleans(), ping=st.booleans())
def test_a_manifest_row_comes_back_from_one_line_of_utf8(item: str, force: bool, ping: bool) -> None:
    row = ManifestRow(item=item, force=force, ping=ping)
    line = encode_row(row)
    assert line.encode().decode().splitlines() == [line]
    assert decode_row(line) == row


@given(item=ANY_TEXT, message=ANY_TEXT, status=st.sampled_from(Status), seconds=st.floats(0, 1e6))
def test_a_report_row_comes_back_from_one_line_of_utf8(
    item: str, message: str, status: Status, seconds: float
) -> None:
    row = ReportRow(item=item, job="j", status=status, message=message, seconds={"step": seconds})
    line = encode_report_row(row)
    assert line.encode().decode().splitlines() == [line]
    assert decode_report_row(line) == row


def test_letters_of_any_script_stay_readable() -> None:
    assert encode_line({"item": "ä/音"}) == '{"item":"ä/音"}'


@pytest.mark.parametrize("line", ["", "not json", "[]", "5", "{}", '{"item": 5}', '{"item": null}'])
def test_a_line_that_is_no_manifest_row_is_named(line: str) -> None:
    with pytest.raises(InvalidSpec, match="manifest line"):
        decode_row(line)


@pytest.mark.parametrize("line", ["", "[]", "{}", json.dumps({"item": "a", "job": "j", "status": "odd"})])
def test_a_line_that_is_no_report_row_is_named(line: str) -> None:
    with pytest.raises(InvalidSpec, match="report line"):
        decode_report_row(line)


def test_an_event_is_found_behind_what_a_step_left_on_the_line() -> None:
    line = "50 %" + encode_event("progress", job="j", done=1, failed=0, total=2)
    assert decode_event(line) == {"event": "progress", "job": "j", "done": 1, "failed": 0, "total": 2}
    assert decode_event("ordinary log line") is None


@given(st.lists(ANY_TEXT))
def test_many_plain_rows_are_the_same_lines_as_one_by_one(items: list[str]) -> None:
    assert encode_plain_rows(items) == "".join(encode_row(ManifestRow(item=item)) + "\n" for item in items)
