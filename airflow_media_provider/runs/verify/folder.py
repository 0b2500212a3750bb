"""A folder of this machine: there, and a folder."""

from __future__ import annotations

import shlex
from pathlib import Path

from airflow_media_provider.runs.verify.finding import Finding, refused
from airflow_media_provider.runs.verify.places import Place


def check_folder(place: Place, path: str, *, create: bool) -> Finding:
    """Tell whether the folder exists; with ``create`` make it."""
    what = f"{place.what} {path}: folder"
    command = f"mkdir -p {shlex.quote(path)}"
    folder = Path(path)
    try:
        if folder.is_dir():
            return Finding(what=what, state="ok")
        if folder.exists():
            detail = "there is a file of that name"
            return Finding(
                what=what, state="wrong", detail=detail, fix="choose another path, or move the file"
            )
        if create:
            folder.mkdir(parents=True, exist_ok=True)
            return Finding(what=what, state="created", detail=f"made {path}")
    except OSError as error:
        return refused(what, error, fix=f"as an owner of the folder above it: {command}")
    detail = "there is no such folder"
    return Finding(
        what=what, state="missing", detail=detail, fix=f"airflow media verify --create, or: {command}"
    )
