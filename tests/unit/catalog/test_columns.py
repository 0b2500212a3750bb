"""Which column has the item, and which rows are wanted: in every kind of table the same."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from datetime import date
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_media_provider.catalog.arrow_filter import expression_of
from airflow_media_provider.catalog.filter import Comparison, Filter, parse_filter
from airflow_media_provider.catalog.formats import parquet
from airflow_media_provider.catalog.row_filter import fits
from airflow_media_provider.catalog.view import PLAIN, View
from airflow_media_provider.errors import EmptySelection, SelectionError

from .conftest import rejected

SONGS: list[dict[str, Any]] = [
    {"track": "se/1", "item": "x1", "country": "SE", "year": 2019, "live": True},
    {"track": "se/2", "item": "x2", "country": "SE", "year": 2020, "live": False},
    {"track": "de/3", "item": "x3", "country": "DE", "year": 2021, "live": True},
    {"track": "xx/4", "item": "x4", "country": None, "year": None, "live": None},
    {"track": "us/5", "item": "x5", "country": "US", "year": 1999, "live": False},
]


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = [",".join(rows[0])]
    text += [",".join("" if value is None else str(value) for value in row.values()) for row in rows]
    return "\n".join(text).encode()


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=2)
    return sink.getvalue()


def as_avro(rows: list[dict[str, Any]], codec: str = "deflate") -> bytes:
    kinds = {str: "string", int: "long", bool: "boolean"}
    fields = [{"name": n, "type": ["null", kinds[type(v)]]} for n, v in rows[0].items()]
    sink = io.BytesIO()
    fastavro.writer(sink, {"type": "record", "name": "Song", "fields": fields}, rows, codec=codec)
    return sink.getvalue()


TABLES = {"list.csv": as_csv, "list.jsonl": as_json, "list.parquet": as_parquet, "list.avro": as_avro}

FILTERS = [
    ('country == "SE"', ["1", "2"]),
    ('country == "SE" and year >= 2020', ["2"]),
    ('"SE" == country', ["1", "2"]),
    ("2020 <= year", ["2", "3"]),
    ("2019 <= year < 2021", ["1", "2"]),
    ("not (2019 <= year < 2021)", ["3", "5"]),
    ('country in ("SE", "DE") and not live', ["2"]),
    ('country not in ["SE"]', ["3", "5"]),
    ('not country in ["SE"]', ["3", "5"]),
    ('not country not in ["SE"]', ["1", "2"]),
    ('country != "SE"', ["3", "5"]),
    ('not country == "SE"', ["3", "5"]),
    ("year is None", ["4"]),
    ("country is not None", ["1", "2", "3", "5"]),
    ("country == null or live == true", ["1", "3", "4"]),
    ("live", ["1", "3"]),
    ("not live", ["2", "5"]),
    ('not (country == "SE" or year < 2000)', ["3"]),
    ('col("country") == "US"', ["5"]),
    ("year > -1.5 and year < 2019.5", ["1", "5"]),
]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("wanted", "songs"), FILTERS, ids=[text for text, _ in FILTERS])
def test_every_kind_of_table_gives_the_rows_that_fit(read_list, name, wanted, songs):
    selection = read_list(TABLES[name](SONGS), name, items_column="track", items_filter=wanted)
    assert [item[-1] for item in sorted(selection.items.to_pylist(), key=lambda i: i[-1])] == songs
    assert selection.rejected == ()


@pytest.mark.parametrize("name", TABLES)
def test_a_column_without_a_filter_and_a_filter_without_a_column(read_list, name):
    content = TABLES[name](SONGS)
    tracks = read_list(content, name, items_column="track").items.to_pylist()
    assert tracks == ["de/3", "se/1", "se/2", "us/5", "xx/4"]
    assert read_list(content, name, items_filter="live").items.to_pylist() == ["x1", "x3"]
    assert read_list(content, name).items.to_pylist() == ["x1", "x2", "x3", "x4", "x5"]


@pytest.mark.parametrize("name", TABLES)
def test_an_unknown_column_is_an_error_that_names_it_and_the_known_ones(read_list, name):
    content = TABLES[name](SONGS)
    with pytest.raises(SelectionError, match=r"no column 'trak'.*'country'.*did you mean 'track'"):
        read_list(content, name, items_column="trak")
    with pytest.raises(SelectionError, match=r"items_filter asks about the column 'land'.*'country'"):
        read_list(content, name, items_filter='land == "SE"')


@pytest.mark.parametrize("name", TABLES)
def test_a_filter_that_nothing_fits_is_an_empty_selection_that_says_so(read_list, name):
    with pytest.raises(EmptySelection, match="fits 'year > 3000'"):
        read_list(TABLES[name](SONGS), name, items_filter="year > 3000")


LIVE = Comparison("live", "==", True)

WRONG = [
    ("", "invalid syntax"),
    ("country ==", "invalid syntax"),
    ("country = 'SE'", "syntax"),
    ("__import__('os').system('true')", "is no condition"),
    ("country.upper() == 'SE'", "are no columns"),
    ("(lambda: 1)() == 1", "are no columns"),
    ("[x for x in country]", "is no condition"),
    ("country == f'{year}'", "is no value"),
    ("country == other", "is a column too"),
    ("1 == 1", "are no columns"),
    ("'SE'", "is no condition"),
    ("1", "is no condition"),
    ("country in 'SE'", "instead of in"),
    ("'SE' in country", "instead of in"),
    ("country in [year]", "is no value"),
    ("country in [None]", "None cannot stand"),
    ("country < None", "None cannot stand"),
    ("country is 'SE'", "'is' goes with None"),
    ("year + 1 == 2020", "are no columns"),
    ("year == 2 ** 999999999", "is no value"),
    ("col(country) == 1", "are no columns"),
    ("col('a', 'b') == 1", "are no columns"),
    ("not " * 2400 + "live", "nested"),
    ("(" * 300 + "live" + ")" * 300, "parenthes"),
    ("a == 1" + " or a == 1" * 2000, "at most 10000"),
    ("country == b'SE'", "is no value"),
    ("country == 1j", "is no value"),
    ("a := 1", "syntax"),
    ("yes if a else b", "is no condition"),
    ("country == 'S\0E'", "null"),
]


@pytest.mark.parametrize(("text", "why"), WRONG, ids=[text[:30] for text, _ in WRONG])
def test_what_is_no_filter_is_refused_and_never_run(text, why):
    with pytest.raises(SelectionError, match="items_filter") as error:
        parse_filter(text)
    assert why in str(error.value)


def test_deep_brackets_and_odd_words_are_filters_all_the_same():
    assert parse_filter("(" * 50 + "live" + ")" * 50) == Filter("(" * 50 + "live" + ")" * 50, LIVE)
    assert parse_filter("live  # those with an audience").condition == LIVE
    assert parse_filter(" \n live\n ").condition == LIVE


@pytest.mark.parametrize(
    ("name", "wanted", "why"),
    [
        ("list.csv", "country > 3", "'SE' under 'country', which is not a number"),
        ("list.jsonl", "country > 3", "'SE' under 'country', which is not a number"),
        ("list.avro", "live == 'x'", "True under 'live', which is not text"),
        ("list.csv", "country == true", "'SE' under 'country', which is not true or false"),
    ],
)
def test_a_value_that_cannot_be_compared_rejects_its_row(read_list, name, wanted, why):
    selection = read_list(TABLES[name](SONGS), name, items_filter=wanted)
    assert selection.items.to_pylist() == []
    assert why in rejected(selection)[0][1]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("country > 3", "column 'country' has type string: compare it with text in quotes, not 3"),
        ("year == '2020'", "column 'year' has type int64: compare it with a number, not '2020'"),
        ("year == true", "compare it with a number, not True"),
        ("live == 1", "compare it with true or false, not 1"),
        ("country", "compare it with text in quotes, not True"),
    ],
)
def test_a_typed_table_refuses_a_value_of_another_type(read_list, wanted, why):
    with pytest.raises(SelectionError) as error:
        read_list(as_parquet(SONGS), "list.parquet", items_filter=wanted)
    assert why in str(error.value)


def test_parquet_compares_dates_times_and_dictionaries(read_list):
    table = pa.table(
        {
            "item": ["a", "b", "c"],
            "day": pa.array([date(2026, 1, 1), date(2026, 2, 1), None], pa.date32()),
            "at": pa.array([0, 10**15, None], pa.timestamp("us", tz="UTC")),
            "label": pa.array(["x", "y", "y"]).dictionary_encode(),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    for wanted, items in [
        ('day >= "2026-01-15"', ["b"]),
        ('at < "2000-01-01T00:00"', ["a"]),
        ('at > "2000-01-01T00:00:00+02:00"', ["b"]),
        ('label == "y"', ["b", "c"]),
    ]:
        found = read_list(sink.getvalue(), "list.parquet", items_filter=wanted)
        assert found.items.to_pylist() == items, wanted
    with pytest.raises(SelectionError, match=r"column 'day' has type date32.*Invalid isoformat"):
        read_list(sink.getvalue(), "list.parquet", items_filter='day > "soon"')


def test_parquet_reads_only_the_row_groups_in_which_something_can_fit():
    # Long names of pure chance, so that the data outweighs the footer.
    rows = [{"item": f"{n:05d}{os.urandom(200).hex()}", "year": 1900 + n // 100} for n in range(10_000)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=100)
    read: list[int] = []

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            got = super().read(size)
            read.append(len(got))
            return got

    def bytes_of(view: View) -> tuple[int, int]:
        read.clear()
        found = list(parquet.read(Counted(sink.getvalue()), "list.parquet", (), view))
        return sum(len(r.values) for r in found), sum(read)

    everything, all_bytes = bytes_of(PLAIN)
    some, some_bytes = bytes_of(View.of(None, "year == 1950"))
    assert (everything, some) == (10_000, 100)
    assert some_bytes < all_bytes // 5


def test_a_row_that_a_filter_leaves_keeps_its_number(read_list):
    rows = [{"item": "ok", "n": n} for n in range(5)] + [{"item": "../bad", "n": 5}]
    selection = read_list(as_parquet(rows), "list.parquet", items_filter="n > 3")
    assert [r.where for r in selection.rejected] == ["row 6 of memory://lists/list.parquet"]


def test_plain_text_and_what_is_no_list_have_no_columns(read, read_list):
    with pytest.raises(SelectionError, match="plain text has no columns"):
        read_list("a\n", "list.txt", items_filter="year > 1")
    with pytest.raises(SelectionError, match="items has no columns"):
        read(items=["a"], items_column="track")
    with pytest.raises(SelectionError, match="prefix has no columns"):
        read(prefix="a", items_filter="year > 1")


def test_a_bare_string_among_json_objects_is_rejected_when_columns_are_asked_for(read_list):
    selection = read_list('"a"\n{"item": "b", "n": 1}\n{"item": "c"}\n', "list.jsonl", items_filter="n == 1")
    assert selection.items.to_pylist() == ["b"]
    assert rejected(selection) == [('"a"', "is no object, so it has no columns")]


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_avro_is_read_whatever_its_compression_and_name(read_list, codec):
    found = read_list(as_avro([{"item": f"i{n}"} for n in range(1000)], codec), "list")
    assert len(found.items) == 1000


def test_avro_records_may_force_and_ping(read_list):
    rows = [{"item": "a", "force": "beats", "ping": True}, {"item": "b", "force": "nobody", "ping": None}]
    selection = read_list(as_avro(rows), "list.avro")
    assert selection.overrides["a"].force == frozenset({"beats"})
    assert selection.overrides["a"].ping is True
    assert "nobody" in rejected(selection)[0][1]


@pytest.mark.parametrize(
    ("cut", "flip"), [(20, None), (-30, None), (None, 300), (None, 4)], ids=["head", "tail", "data", "schema"]
)
def test_damaged_avro_is_an_error_that_names_the_file(read_list, cut, flip):
    content = bytearray(as_avro([{"item": f"i{n}"} for n in range(1000)])[:cut])
    if flip is not None:
        content[flip : flip + 8] = b"\xff" * 8
    with pytest.raises(SelectionError, match=r"list\.avro"):
        read_list(bytes(content), "list.avro")


def test_an_avro_record_without_an_item_is_rejected(read_list):
    selection = read_list(as_avro([{"item": "a"}, {"item": None}]), "list.avro")
    assert rejected(selection) == [("", "has no item; give each record one")]
    with pytest.raises(SelectionError, match="no column 'item'; it has: 'track'"):
        read_list(as_avro([{"track": "a"}]), "list.avro")


comparison = st.one_of(
    st.builds("{} {} {}".format, st.just("n"), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
              st.integers(-2, 2)),
    st.builds("{} {} {!r}".format, st.just("s"), st.sampled_from(["==", "!=", "<", ">="]),
              st.sampled_from("abc")),
    st.builds("s {} {!r}".format, st.sampled_from(["in", "not in"]), st.lists(st.sampled_from("abc"))),
    st.sampled_from(["n is None", "s is not None", "b", "b == false"]),
)  # fmt: skip
expression = st.recursive(
    comparison,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["and", "or"]), inner),
    ),
    max_leaves=6,
)
row = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-2, 2),
        "s": st.none() | st.sampled_from("abc"),
        "b": st.none() | st.booleans(),
    }
)


@settings(max_examples=200)
@given(text=expression, rows=st.lists(row, max_size=8))
def test_arrow_and_rows_one_by_one_agree_on_every_filter(text: str, rows: list[Mapping[str, Any]]):
    schema = pa.schema({"n": pa.int64(), "s": pa.string(), "b": pa.bool_()})
    table = pa.Table.from_pylist(list(rows), schema)
    wanted = parse_filter(text)
    by_arrow = ds.dataset(table).to_table(filter=expression_of(wanted, schema)).to_pylist()
    assert by_arrow == [r for r in rows if fits(wanted, r)]
