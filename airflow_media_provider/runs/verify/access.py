"""Read and write at a place of any storage, and see that an object is never made twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from airflow_media_provider.errors import StorageError
from airflow_media_provider.runs.clean import remove_empty_folders
from airflow_media_provider.runs.verify.finding import Finding, refused
from airflow_media_provider.runs.verify.places import Place
from airflow_media_provider.storage.store import ObjectStore

PROBES = "_verify"
"""Folder of a place in which probes are made and removed."""

MAKE = "make the bucket, container or folder first; --create makes those of Google and of this machine"


def check_read(place: Place, store: ObjectStore, *, fix: str) -> Finding:
    """Read the first bytes of any object of ``place``."""
    what = f"{place.what} {place.uri}: read"
    try:
        found = next((uri for batch in store.list_uris(place.uri) for uri in batch), None)
        if found is None:
            return Finding(what=what, state="not checked", detail="there is no object to read yet")
        with store.open(found) as file:
            file.read(1)
    except Exception as error:
        return refused(what, error, fix=fix, missing=MAKE)
    return Finding(what=what, state="ok")


def check_write(place: Place, store: ObjectStore, *, fix: str) -> Iterator[Finding]:
    """Make an object, try to make it again, and remove it."""
    what = f"{place.what} {place.uri}: "
    probe = f"{place.uri}{PROBES}/{uuid.uuid4().hex}"
    try:
        if not store.create(probe, b"probe"):
            raise StorageError(f"{probe}: was there already")
    except Exception as error:
        yield refused(f"{what}create", error, fix=fix, missing=MAKE)
        return
    yield Finding(what=f"{what}create", state="ok")
    yield _again(f"{what}create only once", probe, store, fix)
    try:
        store.delete(probe)
        gone = not store.exists(probe)
        remove_empty_folders(f"{place.uri}{PROBES}/")
    except Exception as error:
        yield refused(f"{what}delete", error, fix=fix)
        return
    if gone:
        yield Finding(what=f"{what}delete", state="ok")
    else:
        yield Finding(what=f"{what}delete", state="wrong", detail=f"{probe} is still there", fix=fix)


def _again(what: str, probe: str, store: ObjectStore, fix: str) -> Finding:
    try:
        twice = store.create(probe, b"again")
    except Exception as error:
        return refused(what, error, fix=fix)
    if not twice:
        return Finding(what=what, state="ok")
    return Finding(
        what=what,
        state="wrong",
        detail="a second write replaced the first: the storage does not honour preconditions",
        fix="keep artifacts on a storage that does; here two runs at a time could replace each other's work",
    )
