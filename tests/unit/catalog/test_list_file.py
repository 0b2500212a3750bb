"""List files of every kind, sound and unsound."""

from __future__ import annotations

import gzip
import io
import json
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_media_provider.catalog.formats import lines
from airflow_media_provider.catalog.selection import Override
from airflow_media_provider.errors import SelectionError

from .conftest import graph_of, rejected


def parquet(**columns: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


CONTENT = {
    "list.txt": "b/2\na 1\r\n\n  c  \na 1",
    "list": "b/2\na 1\nc\na 1\n",
    "list.csv": 'title,item\n"x, ""y""",b/2\n\nz,a 1\nz, c\n"two\nlines",a 1\n',
    "semicolons.csv": "title;item\r\nx;b/2\r\ny;a 1\r\ny;c\r\nz;a 1\r\n",
    "list.tsv": "item\ttitle\nb/2\tx\na 1\ty\nc\tz\na 1\tz\n",
    "list.jsonl": (
        '"b/2"\n{"item": "a 1", "title": "é"}\n\n{"item":"c"}\n{"title": 1, "item": "a\\u0020\\u0031"}'
    ),
    "list.ndjson": '{"item": "b/2"}\r\n{"item": "a 1"}\r\n"c"\r\n"a 1"\r\n',
    "list.parquet": parquet(title=["x"] * 4, item=["b/2", "a 1", "c", "a 1"]),
}


def content(name: str) -> bytes:
    value = CONTENT[name]
    return value if isinstance(value, bytes) else value.encode()


@pytest.mark.parametrize("name", CONTENT)
def test_every_kind_of_list_gives_the_same_items(read_list, name):
    selection = read_list(content(name), name)
    assert selection.items.to_pylist() == ["a 1", "b/2", "c"]
    assert (selection.duplicates, selection.rejected) == (1, ())


@pytest.mark.parametrize("name", [name for name in CONTENT if not name.endswith(".parquet")])
def test_every_kind_of_text_may_be_gzipped(read_list, name):
    assert read_list(gzip.compress(content(name)), f"{name}.gz").items.to_pylist() == ["a 1", "b/2", "c"]
    assert read_list(gzip.compress(content(name)), name).items.to_pylist() == ["a 1", "b/2", "c"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", [name for name in CONTENT if not name.endswith(".parquet")])
def test_every_kind_of_text_may_have_a_byte_order_mark(read_list, name, encoding):
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    data = (mark + content(name).decode()).encode(encoding)
    assert read_list(data, name).items.to_pylist() == ["a 1", "b/2", "c"]


def test_a_parquet_file_is_known_by_its_first_bytes(read_list):
    assert read_list(content("list.parquet"), "export").items.to_pylist() == ["a 1", "b/2", "c"]


def test_a_list_may_be_a_local_file(read, tmp_path):
    (tmp_path / "list.txt").write_text("a\nb\n")
    assert read(items_uri=str(tmp_path / "list.txt")).items.to_pylist() == ["a", "b"]
    assert read(items_uri=f"file://{tmp_path}/list.txt").items.to_pylist() == ["a", "b"]


def test_lines_may_be_uris_of_the_source(read_list):
    selection = read_list("memory://songs/rock/a.ogg\nrock/b\nmemory://else/c.ogg\n")
    assert selection.items.to_pylist() == ["rock/a", "rock/b"]
    assert selection.rejected[0].where == "memory://lists/list.txt:3"


def test_lists_longer_than_a_block_are_read_whole_with_right_line_numbers(read_list, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 64)
    names = [f"song {n}" for n in range(500)]
    names[321] = ".."
    names[432] = "b\x07d"
    selection = read_list("\n".join(names))
    assert len(selection.items) == 498
    assert [r.where.rpartition(":")[2] for r in selection.rejected] == ["322", "433"]


def test_csv_lists_longer_than_a_chunk_are_read_whole_with_right_line_numbers(read_list, monkeypatch):
    monkeypatch.setattr("airflow_media_provider.catalog.formats.csv_table.CHUNK", 10)
    rows = [f'{n},"a\nb"' for n in range(95)]
    rows[50] = '..,"a\nb"'
    selection = read_list("item,title\n" + "\n".join(rows), "list.csv")
    assert len(selection.items) == 94
    assert [r.where for r in selection.rejected] == ["memory://lists/list.csv:102"]


class TestOverrides:
    EXPECTED: ClassVar = {
        "a": Override(force=True),
        "b": Override(force="all", ping=False),
        "c": Override(force=frozenset({"beats", "downsample"})),
        "d": Override(force=False, ping=True),
    }

    def test_json_lines(self, read_list):
        selection = read_list(
            '{"item": "a", "force": true}\n{"item": "b", "force": "all", "ping": false}\n'
            '{"item": "c", "force": ["beats", "downsample"]}\n{"item": "d", "force": false, "ping": true}\n'
            '{"item": "e", "force": null}\n"f"',
            "list.jsonl",
        )
        assert selection.overrides == self.EXPECTED

    def test_csv(self, read_list):
        selection = read_list(
            "force,item,ping\ntrue,a,\nall,b,no\nbeats downsample,c,\n0,d,1\n,e,\n,f,", "list.csv"
        )
        assert selection.overrides == self.EXPECTED

    def test_parquet_with_text(self, read_list):
        data = parquet(
            item=list("abcdef"),
            force=["yes", "all", "beats;downsample", "false", None, ""],
            ping=[None, False, None, True, None, None],
        )
        assert read_list(data, "list.parquet").overrides == self.EXPECTED

    def test_parquet_with_lists_and_truths(self, read_list):
        data = parquet(item=["a", "b", "c"], force=[["beats"], None, []])
        selection = read_list(data, "list.parquet")
        assert selection.overrides == {
            "a": Override(force=frozenset({"beats"})),
            "c": Override(force=frozenset()),
        }
        assert read_list(parquet(item=["a"], force=[True]), "list.parquet").overrides == {
            "a": Override(force=True)
        }

    def test_of_an_items_several_rows_the_last_that_says_something_wins(self, read_list):
        selection = read_list(
            '{"item": "a", "force": true, "ping": true}\n{"item": "a", "force": false}\n"a"', "list.jsonl"
        )
        assert selection.overrides == {"a": Override(force=False, ping=True)}
        assert selection.duplicates == 2

    def test_a_force_of_no_job_is_rejected_and_not_dropped(self, read_list):
        text = '{"item": "a", "force": ["beat"]}\n{"item": "b", "force": 7}\n{"item": "c", "ping": "x"}\n"d"'
        selection = read_list(text, "list.jsonl")
        assert selection.items.to_pylist() == ["d"]
        assert [r.why for r in selection.rejected] == [
            "force names 'beat', which is no job; did you mean 'beats'?",
            "force is 7; write true or false",
            "ping is 'x'; write true or false",
        ]
        assert rejected(read_list("item,force\na,beat\n", "list.csv"))[0][0] == "a,beat"
        assert rejected(read_list(parquet(item=["a"], force=["beat"]), "x.parquet"))[0][0] == "a"

    def test_a_rejected_items_override_goes_with_it(self, read_list):
        assert read_list('{"item": "..", "force": true}', "list.jsonl").overrides == {}

    def test_overrides_beyond_the_limit_are_left_out(self, read_list):
        text = '{"item": "b", "force": true}\n{"item": "a", "force": false}'
        assert read_list(text, "list.jsonl", limit=1).overrides == {"a": Override(force=False)}

    def test_overrides_belong_to_the_item_when_the_row_has_its_uri(self, read_list):
        text = '{"item": "memory://songs/x.ogg", "force": true}'
        assert read_list(text, "list.jsonl").overrides == {"x": Override(force=True)}


class TestBadRows:
    def test_lines_that_are_not_utf8_are_rejected_and_shown(self, read_list):
        selection = read_list("good\ncaf\u00e9\n".encode("latin-1") + "é\n".encode())
        assert selection.items.to_pylist() == ["good", "é"]
        assert [(r.value, r.where) for r in selection.rejected] == [("caf\\xe9", "memory://lists/list.txt:2")]
        assert "UTF-8" in selection.rejected[0].why

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("{", "is not JSON"),
            ('{"item": "a"', "is not JSON"),
            ("a", "is not JSON"),
            ('"a" "b"', "is not JSON: Extra data at column 5"),
            ("[1, 2]", "has a list where an item's id should be"),
            ("null", "has a NoneType where"),
            ("true", "has a bool where"),
            ("1.5", "has a float where"),
            ('{"item": null}', "has a NoneType where"),
            ('{"id": "a"}', 'has no "item"; it has: id'),
            ("{}", 'has no "item"; it has: nothing'),
            ('{"item": ""}', "is empty"),
            ('{"item": "a\\nb"}', "control character '\\n'"),
            ('"\\ud83c"', "is not UTF-8"),
            ("[" * 100_000, "JSON"),
        ],
    )
    def test_a_bad_json_line_is_rejected_and_the_next_one_read(self, read_list, line, why):
        selection = read_list(f'"first"\n{line}\n"last"\n', "list.jsonl")
        assert selection.items.to_pylist() == ["first", "last"]
        (found,) = selection.rejected
        assert found.where == "memory://lists/list.jsonl:2"
        assert why in found.why
        # A line that is JSON is told by its item, any other as it stands.
        told = {'{"item": ""}': "", '{"item": "a\\nb"}': "a\nb", '"\\ud83c"': "\\ud83c"}.get(line, line)
        assert found.value == (told if len(told) < 1000 else told[:1000] + "…")

    def test_a_number_may_be_an_id(self, read_list):
        assert read_list('12\n{"item": 7}\n', "list.jsonl").items.to_pylist() == ["12", "7"]
        assert read_list(parquet(item=[12, 7]), "list.parquet").items.to_pylist() == ["12", "7"]

    def test_a_csv_row_with_other_columns_than_the_header_is_rejected(self, read_list):
        selection = read_list("item,title\na,x\nb\nc,d,e\nf,y\n", "list.csv")
        assert selection.items.to_pylist() == ["a", "f"]
        assert [(r.value, r.where) for r in selection.rejected] == [
            ("b", "memory://lists/list.csv:3"),
            ("c,d,e", "memory://lists/list.csv:4"),
        ]
        assert "has 3 columns, the header 2" in selection.rejected[1].why

    def test_a_csv_row_with_text_behind_a_quote_is_rejected(self, read_list):
        selection = read_list('item,title\n"a"b,x\nc,y\n', "list.csv")
        assert selection.items.to_pylist() == ["c"]
        assert selection.rejected[0].where == "memory://lists/list.csv:2"

    def test_a_csv_row_that_is_not_utf8_is_rejected(self, read_list):
        selection = read_list(b"item\nok\ncaf\xe9\n", "list.csv")
        assert selection.items.to_pylist() == ["ok"]
        assert selection.rejected[0].where == "memory://lists/list.csv:3"

    def test_an_empty_csv_item_is_rejected(self, read_list):
        ((value, why),) = rejected(read_list("item,title\n,x\na,y\n", "list.csv"))
        assert (value, "is empty" in why) == ("", True)

    def test_null_and_undecodable_parquet_items_are_rejected(self, read_list):
        selection = read_list(parquet(item=pa.array([b"a", None, b"\xff"], pa.binary())), "list.parquet")
        assert selection.items.to_pylist() == ["a"]
        assert [r.where for r in selection.rejected] == [
            f"row {n} of memory://lists/list.parquet" for n in (2, 3)
        ]


class TestBadLists:
    def test_a_list_that_does_not_exist(self, read, tmp_path):
        for uri in ("memory://lists/none.txt", f"{tmp_path}/none.txt"):
            with pytest.raises(SelectionError, match=f"items_uri {uri}: there is no such file"):
                read(items_uri=uri)

    def test_a_scheme_that_no_store_serves(self, read):
        with pytest.raises(SelectionError, match="no store serves gopher://"):
            read(items_uri="gopher://host/list.txt")

    def test_a_folder(self, read, tmp_path):
        with pytest.raises(SelectionError, match="Is a directory"):
            read(items_uri=str(tmp_path))

    @pytest.mark.parametrize("name", ["list.txt", "list.jsonl", "list.txt.gz"])
    @pytest.mark.parametrize("text", ["", "\n \n\r\n", "\ufeff"])
    def test_an_empty_list(self, read_list, name, text):
        data = gzip.compress(text.encode()) if name.endswith(".gz") else text
        with pytest.raises(SelectionError, match="there is not one item in it"):
            read_list(data, name)

    def test_an_empty_csv(self, read_list):
        with pytest.raises(SelectionError, match="no column 'item'; it has: none"):
            read_list("", "list.csv")
        with pytest.raises(SelectionError, match="there is not one item"):
            read_list("item\n", "list.csv")

    def test_a_table_without_items_names_its_columns(self, read_list):
        with pytest.raises(SelectionError, match="no column 'item'; it has: 'id', 'Item title'"):
            read_list("id,Item title\n1,x\n", "list.csv")
        with pytest.raises(SelectionError, match="no column 'item'; it has: 'id'"):
            read_list(parquet(id=["a"]), "list.parquet")

    def test_a_parquet_column_that_cannot_be_ids(self, read_list):
        with pytest.raises(SelectionError, match="column 'item' has type double"):
            read_list(parquet(item=[1.5]), "list.parquet")

    def test_a_parquet_file_cut_short(self, read_list):
        for data in (content("list.parquet")[:-20], b"PAR1", b"not parquet"):
            with pytest.raises(
                SelectionError, match=r"items_uri memory://lists/list\.parquet: cannot be read"
            ):
                read_list(data, "list.parquet")

    def test_gzip_data_cut_short_or_damaged(self, read_list):
        whole = gzip.compress("\n".join(map(str, range(10_000))).encode())
        damaged = whole[:200] + b"\x00" * 50 + whole[250:]
        for data in (whole[:-10], whole[:50], damaged):
            with pytest.raises(SelectionError, match="the gzip data is damaged"):
                read_list(data, "list.txt.gz")

    @pytest.mark.parametrize("name", ["list.txt", "list.csv", "list.jsonl", "song.mp3"])
    def test_what_is_no_text_at_all(self, read_list, name):
        with pytest.raises(SelectionError, match="is not text"):
            read_list(b"ID3\x03\x00\x00\x00\x00" + bytes(range(256)) * 10, name)

    def test_garbage_without_a_zero_byte_is_rejected_line_by_line(self, read_list):
        data = b"\xde\xad\xbe\xef\n\x01\x02\n\xff\xfe\n"
        selection = read_list(b"ok\n" + data)
        assert selection.items.to_pylist() == ["ok"]
        assert len(selection.rejected) == 3

    def test_a_line_without_end(self, read_list, monkeypatch):
        monkeypatch.setattr(lines, "MAX_LINE", 1000)
        monkeypatch.setattr(lines, "BLOCK", 500)
        monkeypatch.setattr("airflow_media_provider.catalog.formats.csv_table.MAX_LINE", 1000)
        with pytest.raises(SelectionError, match=r"list\.txt:2: a line of more than 1000 bytes"):
            read_list("a\n" + "x" * 5000)
        with pytest.raises(SelectionError, match=r"list\.csv:2: a line of more than 1000"):
            read_list("item\n" + "x" * 5000, "list.csv")

    def test_a_quote_that_never_closes_is_an_error_at_its_line(self, read_list):
        with pytest.raises(SelectionError, match=r"list\.csv:3: a quote opens here and does not close"):
            read_list('item,title\na,x\nb,"y\nc,z\nd,z\n', "list.csv")

    def test_utf16_cut_in_half(self, read_list):
        with pytest.raises(SelectionError, match="UTF-8"):
            read_list("a\nb\n".encode("utf-16") + b"\x00\xd8", "list.txt")


def test_a_list_of_another_catalog_is_rejected_row_by_row(read, store):
    store.write("memory://lists/a.txt", b"gs://other/a.ogg\n")
    selection = read(graph_of("gs://bucket/{item}.ogg"), items_uri="memory://lists/a.txt")
    assert len(selection.items) == 0
    assert json.dumps([r.value for r in selection.rejected]) == '["gs://other/a.ogg"]'
