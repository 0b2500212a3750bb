from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_media_provider.errors import RegistryError
from airflow_media_provider.registry import JobGraph, load_registry

HEAD = """\
version: 1
root: /data/artifacts
source: {uri: "/data/songs/{item}.ogg"}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a registry file and return its path."""

    def write(text: str, name: str = "registry.yaml") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def load(write: Callable[..., str]) -> Callable[..., JobGraph]:
    """Load a registry from its text."""
    return lambda text, **options: load_registry(write(text), **options)


@pytest.fixture
def faults(write: Callable[..., str]) -> Callable[..., list[str]]:
    """Return the faults of a registry's text as ``line: message``."""

    def faults(text: str, **options: str) -> list[str]:
        with pytest.raises(RegistryError) as error:
            load_registry(write(text), **options)
        assert all(fault.file for fault in error.value.faults)
        return [f"{fault.line}: {fault.message}" for fault in error.value.faults]

    return faults
