"""A bucket's reply is lost: who wrote an object hears so all the same, and who came second does not."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_media_provider.storage.gcs import GcsStore
from beam_jobs.storage import gcs as worker
from beam_jobs.storage.store import Scratch
from tests.peers.cloud import Cloud
from tests.peers.gcs import gcs_client
from tests.peers.refusing import refusing_storage

BIG = b"song" * (5 << 20) + b"!"
"""More than fits into one request."""

Create = Callable[[str, str, bytes], bool]


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    name = f"lost-{uuid.uuid4().hex[:12]}"
    cloud.storage().create_bucket(name)
    return name


def create_from_bytes(url: str, uri: str, content: bytes) -> bool:
    return GcsStore(gcs_client(url)).create(uri, content)


def create_from_stream(url: str, uri: str, content: bytes) -> bool:
    return GcsStore(gcs_client(url)).create(uri, io.BytesIO(content))


def publish(url: str, uri: str, content: bytes) -> bool:
    with Scratch() as scratch:
        draft = scratch.new_file(".bin")
        draft.write_bytes(content)
        return publish_draft(url, uri, draft)


def publish_draft(url: str, uri: str, draft: Path) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "_client", lambda: gcs_client(url))
        return worker.GcsStore().publish(draft, uri, replace=False)


CREATE: dict[str, Create] = {
    "bytes": create_from_bytes, "a stream": create_from_stream, "a worker's draft": publish,
}  # fmt: skip


class Losing:
    """Loses the first answers to uploads, and remembers what was asked.

    :param method: POST begins an upload, and ends a small one; PUT ends a big one.
    """

    def __init__(self, *, answers: int = 1, method: str = "POST") -> None:
        self.left, self.method = answers, method
        self.requests: list[tuple[str, str]] = []

    def __call__(self, method: str, path: str) -> bool:
        self.requests.append((method, path.partition("?")[0]))
        if method == self.method and path.startswith("/upload/") and self.left:
            self.left -= 1
            return True
        return False

    def looks(self) -> int:
        """Return how often an object was asked for."""
        return sum(method == "GET" and "/o/" in path for method, path in self.requests)


@pytest.mark.parametrize("way", CREATE)
@pytest.mark.parametrize("content", [b"song", BIG], ids=["small", "big"])
def test_an_upload_whose_reply_is_lost_is_known_for_one_s_own(cloud, bucket, way, content):
    lose = Losing()
    with refusing_storage(cloud.gcs_url, lose=lose) as url:
        assert CREATE[way](url, f"gs://{bucket}/a", content) is True
    assert not lose.left, "nothing was lost"
    assert cloud.storage().bucket(bucket).blob("a").download_as_bytes() == content


@pytest.mark.parametrize("way", CREATE)
def test_the_end_of_a_big_upload_is_known_for_one_s_own_when_its_repetition_is_refused(cloud, bucket, way):
    """The server here forgets a finished upload, so the proxy says what a precondition would."""
    lose = Losing(method="PUT")

    def refuse(method: str, path: str) -> int:
        return 412 if method == "PUT" and not lose.left else 0

    with refusing_storage(cloud.gcs_url, refuse, lose=lose) as url:
        assert CREATE[way](url, f"gs://{bucket}/a", BIG) is True
    assert not lose.left
    assert lose.looks() == 1


@pytest.mark.parametrize("way", ["bytes", "a worker's draft"])  # here a stream's precondition is not heeded
@pytest.mark.parametrize("answers", [0, 1], ids=["reply", "lost reply"])
def test_an_object_of_another_is_another_s_though_it_is_equal(cloud, bucket, way, answers):
    cloud.storage().bucket(bucket).blob("no metadata").upload_from_string(b"song")
    assert CREATE[way](cloud.gcs_url, f"gs://{bucket}/a", b"song") is True
    for name in ("a", "no metadata"):
        lose = Losing(answers=answers)
        with refusing_storage(cloud.gcs_url, lose=lose) as url:
            assert CREATE[way](url, f"gs://{bucket}/{name}", b"song") is False
        assert lose.looks() == 1


@pytest.mark.parametrize("way", CREATE)
def test_no_object_is_asked_for_after_an_upload_that_was_heard_of(cloud, bucket, way):
    lose = Losing(answers=0)
    with refusing_storage(cloud.gcs_url, lose=lose) as url:
        assert CREATE[way](url, f"gs://{bucket}/a", b"song") is True
    assert ("POST", f"/upload/storage/v1/b/{bucket}/o") in lose.requests
    assert lose.looks() == 0


def test_a_worker_that_publishes_a_draft_again_after_an_error_hears_that_it_is_its_own(cloud, bucket):
    with Scratch() as scratch:
        draft = scratch.new_file(".bin")
        draft.write_bytes(b"song")
        for _ in range(2):
            assert publish_draft(cloud.gcs_url, f"gs://{bucket}/a", draft) is True
    assert publish(cloud.gcs_url, f"gs://{bucket}/a", b"song") is False
