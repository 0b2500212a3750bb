from __future__ import annotations

from pathlib import Path

import pytest

from tests.beam.jobs import JobFolder


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / "job")
