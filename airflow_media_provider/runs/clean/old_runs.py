"""Find the folders of runs that ended long ago."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from airflow_media_provider.runs.layout import RUNS_FOLDER
from airflow_media_provider.storage import Stores


@dataclass(slots=True, kw_only=True)
class OldRun:
    """One run's folder.

    :param updated: when the last of its files was written (epoch seconds): a run that goes on is young.
    """

    run: str
    prefix: str
    updated: float = 0.0
    bytes: int = 0
    uris: list[str] = field(default_factory=list)

    def each(self) -> Iterator[str]:
        """Yield the URIs of its files."""
        yield from self.uris


def find_old_runs(root: str, stores: Stores, *, before: float) -> list[OldRun]:
    """Return the runs under a registry's root in which nothing was written since ``before``, by name.

    :raises StorageError: when the listing fails.
    """
    home = f"{root.rstrip('/')}/{RUNS_FOLDER}/"
    runs: dict[str, OldRun] = {}
    for batch in stores.for_uri(home).list_objects(home):
        for info in batch:
            name, slash, _ = info.uri[len(home) :].partition("/")
            if not slash:
                continue
            run = runs.setdefault(name, OldRun(run=name, prefix=f"{home}{name}/"))
            run.updated = max(run.updated, info.updated)
            run.bytes += info.size
            run.uris.append(info.uri)
    return [runs[name] for name in sorted(runs) if runs[name].updated < before]
