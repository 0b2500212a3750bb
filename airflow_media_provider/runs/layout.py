"""Where a run keeps what it says: its folder under the registry's root."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

RUNS_FOLDER = "_runs"

LONGEST = 200
"""Letters of a run's folder; many file systems take 255."""


def safe_run_id(text: str) -> str:
    """Return ``text`` as one path segment: in Airflow's run ids are ``:`` and ``+``, which patterns read.

    What had to be changed or cut ends in a digest of the whole: two runs never share a folder. What is
    safe stays as it is.
    """
    safe = re.sub(r"[^A-Za-z0-9._=-]+", "-", text).strip(".-")
    if safe == text and 0 < len(safe) <= LONGEST:
        return safe
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{safe[: LONGEST - len(digest) - 1] or 'run'}-{digest}"


@dataclass(frozen=True, slots=True)
class JobLayout:
    """One job's files in a run.

    :param uri: the folder, without a slash at its end.
    """

    uri: str

    @property
    def planned(self) -> str:
        """Manifest of the items that the plan wants done."""
        return f"{self.uri}/manifest.jsonl"

    @property
    def todo(self) -> str:
        """Manifest of what is left and can be done, as the second look found it."""
        return f"{self.uri}/todo.jsonl"

    @property
    def blocked(self) -> str:
        """Report rows of the items whose inputs the second look did not find."""
        return f"{self.uri}/blocked.jsonl"

    @property
    def look(self) -> str:
        """Counts of the second look."""
        return f"{self.uri}/look.json"

    @property
    def launch(self) -> str:
        """The launch spec."""
        return f"{self.uri}/launch.json"

    @property
    def fused(self) -> str:
        """The fused spec of the group that this job leads; its manifest is beside it."""
        return f"{self.uri}/fused.json"

    @property
    def fused_manifest(self) -> str:
        """The items of all the group's jobs."""
        return f"{self.uri}/fused.jsonl"

    @property
    def given(self) -> str:
        """What the worker was given that this job launched: its own manifest, and those of its group."""
        return f"{self.uri}/given.json"

    @property
    def follow(self) -> str:
        """What the job was given to do in a group that another job led, until somebody judges it."""
        return f"{self.uri}/follow.json"

    @property
    def report(self) -> str:
        """Folder of the worker's report parts and its ``summary.json``."""
        return f"{self.uri}/report"

    def made(self, digest: str) -> str:
        """List file of the items whose artifacts this run has made: what the jobs after it have to do.

        :param digest: of its content; a run that is cleared and run again must not change the list that an
            event names which nobody has read yet.
        """
        return f"{self.uri}/made-{digest}.jsonl"

    @property
    def outcome(self) -> str:
        """What became of the job in this run."""
        return f"{self.uri}/outcome.json"


@dataclass(frozen=True, slots=True)
class RunLayout:
    """One run's files.

    :param uri: the folder, without a slash at its end.
    """

    uri: str

    @classmethod
    def of(cls, root: str, run_id: str) -> RunLayout:
        """Return the layout of the run ``run_id`` under a registry's root."""
        return cls(f"{root.rstrip('/')}/{RUNS_FOLDER}/{safe_run_id(run_id)}")

    @property
    def plan(self) -> str:
        """The plan's own facts: graph, request, counts."""
        return f"{self.uri}/plan.json"

    @property
    def cells(self) -> str:
        """One row per item, one column per job."""
        return f"{self.uri}/cells.parquet"

    @property
    def rejected(self) -> str:
        """Ids of the selection that cannot be items."""
        return f"{self.uri}/rejected.jsonl"

    @property
    def request(self) -> str:
        """The request as it came, long lists included."""
        return f"{self.uri}/request.json"

    def job(self, name: str) -> JobLayout:
        """Return the layout of one job."""
        return JobLayout(f"{self.uri}/jobs/{name}")
