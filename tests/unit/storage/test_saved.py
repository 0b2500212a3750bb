"""A saved inventory answers as the listing would have when it was made."""

from __future__ import annotations

import csv
import gzip
import io
import json
import uuid

import pyarrow as pa
import pytest
from pyarrow import parquet

from airflow_media_provider.errors import ObjectNotFound, StorageError
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.gcs import GcsStore
from airflow_media_provider.storage.memory import MemoryStore
from airflow_media_provider.storage.saved import SavedStores

FIELDS = ("project", "bucket", "name", "size", "updated", "timeDeleted")
NAMES = [
    "a",
    "a/1.flac",
    "a/10.flac",
    'a/b,c "d".flac',
    "a/ünï/Jóga #1?%2F.flac",
    "a/日本/🎵.flac",
    "b.flac",
    "b/.tmp-1",
    "z/1",
]


def as_csv(bucket, names, *, header=True, delimiter=",", deleted=()):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writerow(FIELDS)
    for name in names:
        gone = "2026-01-02T03:04:05.678Z" if name in deleted else ""
        writer.writerow(("12345", bucket, name, 7, "2026-01-01T00:00:00.123Z", gone))
    return text.getvalue().encode()


def as_parquet(bucket, names, *, deleted=(), rows=3):
    time = pa.scalar(1_700_000_000_000_000, pa.timestamp("us", "UTC"))
    table = pa.table(
        {
            "bucket": pa.array([bucket] * len(names)),
            "name": pa.array(names),
            "size": pa.array([7] * len(names)),
            "updated": pa.array([time.as_py()] * len(names), pa.timestamp("us", "UTC")),
            "timeDeleted": pa.array(
                [time.as_py() if name in deleted else None for name in names], pa.timestamp("us", "UTC")
            ),
        }
    )
    sink = io.BytesIO()
    parquet.write_table(table, sink, row_group_size=rows)
    return sink.getvalue()


def manifest(files, *, bucket="", records=None, **config):
    options = {"metadata_fields": list(FIELDS), "storage_filters": {"bucket": bucket} if bucket else {}}
    content = {
        "report_config": {"object_metadata_report_options": options, **config},
        "snapshot_time": "2026-01-01T00:00:00Z",
        "shard_count": len(files),
        "report_shards_file_names": list(files),
    }
    if records is not None:
        content["records_processed"] = records
    return json.dumps(content).encode()


@pytest.fixture
def memory():
    return MemoryStore()


@pytest.fixture
def bucket(gcs):
    name = f"saved-{uuid.uuid4().hex[:12]}"
    gcs.create_bucket(name)
    return name


@pytest.fixture
def stores(gcs, memory):
    return Stores({"gs": lambda: GcsStore(gcs), "memory": lambda: memory})


@pytest.fixture
def saved(stores, memory):
    """Write a report and open it."""

    def saved(content, name="report.csv"):
        memory.write(f"memory://reports/{name}", content)
        return SavedStores(f"memory://reports/{name}", stores)

    return saved


def listed(stores, uri, start="", end=""):
    return sorted(
        found for batch in stores.for_uri(uri).list_uris(uri, start=start, end=end) for found in batch
    )


FORMS = {
    "CSV": ("r.csv", as_csv),
    "gzipped CSV": ("r.csv.gz", lambda *a: gzip.compress(as_csv(*a))),
    "Parquet": ("r.parquet", as_parquet),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_question_has_the_answer_of_a_listing(form, bucket, stores, saved):
    name, write = FORMS[form]
    home = f"gs://{bucket}/"
    for key in NAMES:
        stores.for_uri(home).write(home + key, b"x")
    snapshot = saved(write(bucket, NAMES), name)
    for prefix in ("", "a", "a/", "a/1", "b", "b/", "a/ü", "a/日本/", "no/such"):
        assert listed(snapshot, home + prefix) == listed(stores, home + prefix), prefix
        folders = set(stores.for_uri(home).list_folders(home + prefix))
        if prefix == "b":  # of temporary names alone
            folders.discard(f"{home}b/")
            assert set(snapshot.for_uri(home).list_folders(home + prefix)) - folders <= {f"{home}b/"}
        else:
            assert set(snapshot.for_uri(home).list_folders(home + prefix)) == folders, prefix
        for start in ("", "a/1", "a/10.flac", "c"):
            for end in ("", "a/10.flac", "a/ünï", "z/1"):
                bounds = (start and home + start, end and home + end)
                assert listed(snapshot, home + prefix, *bounds) == listed(stores, home + prefix, *bounds)
    for key in (*NAMES, "a/2.flac", "a/", "A"):
        assert snapshot.for_uri(home).exists(home + key) == stores.for_uri(home).exists(home + key), key


def test_what_was_written_later_is_not_in_it_but_is_read_and_listed_with_its_time(bucket, stores, saved):
    home = f"gs://{bucket}/"
    snapshot = saved(as_csv(bucket, ["a", "gone"]))
    snapshot.for_uri(home).write(f"{home}new", b"new")
    store = snapshot.for_uri(home)
    assert listed(snapshot, home) == [f"{home}a", f"{home}gone"]
    assert not store.exists(f"{home}new")
    assert store.read(f"{home}new") == b"new"
    assert [info.uri for batch in store.list_objects(home) for info in batch] == [f"{home}new"]


def test_what_was_deleted_later_counts_as_there_until_it_is_read(bucket, stores, saved):
    home = f"gs://{bucket}/"
    stores.for_uri(home).write(f"{home}gone", b"x")
    snapshot = saved(as_csv(bucket, ["gone"]))
    stores.for_uri(home).delete(f"{home}gone")
    assert listed(snapshot, home) == [f"{home}gone"]
    assert snapshot.for_uri(home).exists(f"{home}gone")
    with pytest.raises(ObjectNotFound):
        snapshot.for_uri(home).read(f"{home}gone")


def test_other_buckets_and_stores_are_listed_themselves(bucket, gcs, memory, stores, saved):
    other = f"{bucket}-b"
    gcs.create_bucket(other)
    stores.for_uri("gs://").write(f"gs://{other}/x", b"")
    memory.write("memory://m/x", b"")
    snapshot = saved(as_csv(bucket, ["a"]))
    assert listed(snapshot, f"gs://{other}/") == [f"gs://{other}/x"]
    assert listed(snapshot, "memory://m/") == ["memory://m/x"]
    assert snapshot.for_uri(f"gs://{other}/x").exists(f"gs://{other}/x")


@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_replaced_and_deleted_versions_are_left_out(write, bucket, saved):
    name = "r.parquet" if write is as_parquet else "r.csv"
    snapshot = saved(write(bucket, ["a", "b", "c"], deleted=("b",)), name)
    assert listed(snapshot, f"gs://{bucket}/") == [f"gs://{bucket}/a", f"gs://{bucket}/c"]


def test_the_parts_of_a_manifest_are_one_inventory(bucket, memory, saved):
    memory.write("memory://reports/day/r_0.csv", as_csv(bucket, ["b", "d"], header=False, delimiter="|"))
    memory.write("memory://reports/day/r_1.csv", as_csv(bucket, ["a", "c"], header=False, delimiter="|"))
    form = {"csv_options": {"header_required": False, "delimiter": "|"}}
    snapshot = saved(manifest(["r_0.csv", "r_1.csv"], records=4, **form), "day/r_manifest.json")
    assert listed(snapshot, f"gs://{bucket}/") == [f"gs://{bucket}/{n}" for n in "abcd"]
    assert listed(snapshot, f"gs://{bucket}/b", end=f"gs://{bucket}/c") == [f"gs://{bucket}/b"]


def test_a_manifest_says_that_a_bucket_was_empty(bucket, memory, stores, saved):
    stores.for_uri("gs://").write(f"gs://{bucket}/later", b"")
    memory.write("memory://reports/r_0.csv", as_csv(bucket, []))
    snapshot = saved(manifest(["r_0.csv"], bucket=bucket, records=0), "r_manifest.json")
    assert listed(snapshot, f"gs://{bucket}/") == []


def test_a_folder_of_reports_means_the_newest_whole_one(bucket, memory, stores, monkeypatch):
    for day, names in enumerate((["a"], ["a", "b"])):
        monkeypatch.setattr("time.time", lambda day=day: 1_800_000_000 + day)
        memory.write(f"memory://reports/{1 - day}_0.csv", as_csv(bucket, names))
        memory.write(f"memory://reports/{1 - day}_manifest.json", manifest([f"{1 - day}_0.csv"]))
    memory.write("memory://reports/2_0.csv", as_csv(bucket, ["unfinished"]))
    snapshot = SavedStores("memory://reports/", stores)
    assert listed(snapshot, f"gs://{bucket}/") == [f"gs://{bucket}/a", f"gs://{bucket}/b"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.csv", b"bucket,size\nb,1\n", "no column name, it has bucket, size"),
        ("r.txt", b"a\n", r"name a \.csv, \.csv\.gz or \.parquet file"),
        ("r.parquet", b"PAR1 not", "r.parquet"),
        ("r.csv.gz", b"not gzip", "r.csv.gz"),
        ("r.csv", b"bucket,name\nb,a,c\n", "r.csv"),
        ("r_manifest.json", b"[]", "not a manifest of Storage Insights"),
        ("r_manifest.json", b"{}", "report_shards_file_names"),
        ("r_manifest.json", manifest(["lost.csv"]), "lost.csv is not there"),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(name, content, said, saved):
    with pytest.raises(StorageError, match=said) as error:
        saved(content, name)
    assert str(error.value).count("memory://reports/") == 1 + ("lost" in said)


def test_a_report_that_lacks_rows_is_refused(bucket, memory, saved):
    memory.write("memory://reports/r_0.csv", as_csv(bucket, ["a", "b"]))
    with pytest.raises(StorageError, match="have 2 rows, and 3 were written"):
        saved(manifest(["r_0.csv"], records=3), "r_manifest.json")


def test_a_folder_without_a_report_is_refused(stores):
    with pytest.raises(StorageError, match=r"no …manifest\.json"):
        SavedStores("memory://reports/none/", stores)
