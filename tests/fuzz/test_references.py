"""No decoder follows what a file names: neither another file nor an address."""

from __future__ import annotations

import ast
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from beam_jobs.media.container import open_container
from tests.beam.jobs import PROJECT
from tests.fuzz.crafted import mov_with_reference, references
from tests.fuzz.trial import trials, try_steps
from tests.samples import tone, write_audio

TRIED = (
    "probe",
    "downsample",
    "image_probe",
    "thumbnail",
    "resize",
    "video_probe",
    "keyframes",
    "extract_audio",
)


class Listener:
    """A server that counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A whole sound that no job was given; whoever follows a reference to it hears it."""
    return write_audio(tmp_path / "canary" / "sound.wav", tone(440, 2, channels=2))


def test_a_file_that_names_another_opens_nothing_but_itself(
    tmp_path: Path, canary: Path, listener: Listener
) -> None:
    seen_at = canary.stat().st_atime_ns
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    addresses = {
        "path": str(canary), "file": f"file://{canary}", "http": f"http://127.0.0.1:{listener.port}/a.wav",
        "tcp": f"tcp://127.0.0.1:{listener.port}", "concat": f"concat:{canary}",
    }  # fmt: skip
    for kind, address in addresses.items():
        for name, whole in references(address).items():
            (corpus / f"{kind} {name}").write_bytes(whole)
    names = [path.name for path in corpus.iterdir()]
    chosen = [trial for trial in trials() if trial.name in TRIED]
    corpora = {kind: (corpus, names) for trial in chosen for kind in trial.kinds.values()}
    tried = try_steps(chosen, corpora, tmp_path / "jobs", timeout_s=10, memory_mb=1024, deadline_s=200)
    assert listener.visits == 0
    assert canary.stat().st_atime_ns == seen_at
    for verdict in tried:
        assert verdict.unexpected == {}
        # Of a movie without its sound a step may still tell the header's facts.
        done = {item for item, row in verdict.rows.items() if row.status != "failed"}
        assert all(item.endswith("outside.mov") for item in done)
        assert not done or verdict.step.endswith("probe")


def test_the_movie_would_be_followed_if_it_were_allowed(tmp_path: Path, canary: Path) -> None:
    movie = tmp_path / "outside.mov"
    movie.write_bytes(mov_with_reference(str(canary).encode()))
    options = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(movie), format="mov", options=options) as file:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    assert np.abs(heard).max() > 3000
    with open_container(movie, "mov", kind="mp4") as file:
        assert not list(file.decode(audio=0))


def test_the_listener_counts_who_comes(listener: Listener) -> None:
    socket.create_connection(("127.0.0.1", listener.port)).close()
    for _ in range(100):
        if listener.visits:
            return
        threading.Event().wait(0.05)
    pytest.fail("the listener saw nobody")


def test_containers_are_opened_in_one_place_that_allows_local_files_only() -> None:
    callers = {
        str(path.relative_to(PROJECT)) for path in (PROJECT / "beam_jobs").rglob("*.py") if _opens(path)
    }
    assert callers == {"beam_jobs/media/container.py"}


def _opens(path: Path) -> bool:
    """Tell whether a module calls ``av.open`` for reading."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "av.open":
            modes = [argument for argument in node.args[1:2] if isinstance(argument, ast.Constant)]
            if not any(mode.value == "w" for mode in modes):
                return True
    return False
