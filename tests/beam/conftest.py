from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.beam.jobs import JobFolder
from tests.beam.streams import COUNT, Stream


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / "job")


@pytest.fixture
def stream(cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """A stream whose parts a test calls in its own process; it is not started."""
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    return Stream(cloud, tmp_path, COUNT, target="count")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.beam)
