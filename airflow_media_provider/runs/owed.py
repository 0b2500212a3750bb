"""What a run has made and could not tell, because it lost too many: the job's next run tells it.

Airflow has no event for a task that fails. Without this, one corrupt file would keep what was made of all
others of its batch from those who wait for them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from airflow_media_provider.errors import ObjectNotFound
from airflow_media_provider.runs.made import Made
from airflow_media_provider.runs.stored import StoredPlan
from airflow_media_provider.storage import Stores

OWED_FOLDER = "_owed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A list of items that listeners have not been told of.

    :param note: where this is written down.
    :param uri: the list file.
    """

    note: str
    uri: str


def owe(plan: StoredPlan, job: str, made: Made, stores: Stores) -> None:
    """Write down that nobody was told of ``made``."""
    if made.items:
        note = f"{_folder(plan, job)}{plan.run_id}.json"
        text = json.dumps({**asdict(made), "partition": plan.partition})
        stores.for_uri(note).write(note, text.encode())


def owed(plan: StoredPlan, job: str, stores: Stores) -> list[Owed]:
    """Return what earlier runs of the same partition owe; not what has been removed with its run."""
    folder = _folder(plan, job)
    store = stores.for_uri(folder)
    found = []
    for note in sorted(uri for batch in store.list_uris(folder) for uri in batch):
        try:
            told = json.loads(store.read(note))
        except ObjectNotFound:
            continue  # another run tells it
        if told["partition"] == plan.partition and store.exists(told["uri"]):
            found.append(Owed(note=note, uri=told["uri"]))
    return found


def settle(debts: list[Owed], stores: Stores) -> None:
    """Forget what has been told."""
    for debt in debts:
        stores.for_uri(debt.note).delete(debt.note)


def _folder(plan: StoredPlan, job: str) -> str:
    return f"{plan.graph.root.rstrip('/')}/{OWED_FOLDER}/{job}/"
