"""A job's totals are the sum of its rows, however Beam splits them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beam_jobs.contract.report import ReportRow, Status, count_statuses, encode_report_row
from beam_jobs.pipelines.totals import AddUp

ROWS = st.lists(
    st.builds(
        ReportRow,
        item=st.text(max_size=5),
        job=st.just("j"),
        status=st.sampled_from(Status),
        error_class=st.sampled_from(["", "ValueError", "StepCrashed"]),
        seconds=st.dictionaries(st.sampled_from(["fetch", "step"]), st.integers(0, 100).map(float)),
        bytes_in=st.integers(0, 1000),
        media_seconds=st.integers(0, 100).map(float),
    ),
    max_size=20,
)


@given(rows=ROWS, parts=st.integers(1, 4))
def test_totals_are_the_sum_of_the_rows(rows: list[ReportRow], parts: int) -> None:
    adder = AddUp()
    accumulators = []
    for part in range(parts):
        totals = adder.create_accumulator()
        for row in rows[part::parts]:
            totals = adder.add_input(totals, encode_report_row(row))
        accumulators.append(totals)
    found = adder.extract_output(adder.merge_accumulators(accumulators))
    assert found["counts"] == count_statuses(rows)
    assert found["bytes_in"] == sum(row.bytes_in for row in rows)
    assert found["media_seconds"] == sum(row.media_seconds for row in rows)
    assert sum(found["errors"].values()) == sum(bool(row.error_class) for row in rows)
    for stage, seconds in found["seconds"].items():
        assert seconds == sum(row.seconds.get(stage, 0.0) for row in rows)


def test_no_rows_are_zeros() -> None:
    adder = AddUp()
    found = adder.extract_output(adder.create_accumulator())
    assert found["counts"] == count_statuses([])
    assert found["errors"] == {}
