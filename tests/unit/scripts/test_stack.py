"""Putting a song into the bucket of a stack that runs."""

from __future__ import annotations

import uuid
from pathlib import Path

from scripts.stack import main


def test_a_file_is_put_where_the_graph_has_its_songs(cloud, tmp_path, monkeypatch, capsys):
    bucket = f"songs-{uuid.uuid4().hex[:12]}"
    cloud.storage().create_bucket(bucket)
    for name, value in {**cloud.env, "MEDIA_SONGS": f"gs://{bucket}/songs"}.items():
        monkeypatch.setenv(name, value)
    song = tmp_path / "a song.ogg"
    song.write_bytes(b"la")
    assert main(["put", str(song)]) == 0
    assert capsys.readouterr().out == f"gs://{bucket}/songs/a song.ogg\n"
    assert cloud.storage().bucket(bucket).blob("songs/a song.ogg").download_as_bytes() == b"la"


def test_without_a_stack_it_is_said_how_to_have_one(monkeypatch, capsys):
    monkeypatch.delenv("MEDIA_SONGS", raising=False)
    assert main(["put", str(Path("song.ogg"))]) == 2
    assert "start 'make stack'" in capsys.readouterr().err
