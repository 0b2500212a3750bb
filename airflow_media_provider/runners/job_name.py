"""The name of a remote Beam job: the same for every try of the same job in the same run."""

from __future__ import annotations

import hashlib
import re

_LONGEST = 63


def remote_job_name(job: str, run_id: str) -> str:
    """Return a name that Dataflow, Flink and Kubernetes accept: ``[a-z][-a-z0-9]*``, at most 63 characters.

    It ends with a hash of the exact job and run, since different ones may read alike once cleaned. A
    retry derives the same name, finds the job that its forerunner started, and attaches to it.
    """
    digest = hashlib.sha256(f"{job}\0{run_id}".encode()).hexdigest()[:8]
    text = re.sub(r"[^a-z0-9]+", "-", f"media-{job}-{run_id}".lower()).strip("-")
    return f"{text[: _LONGEST - len(digest) - 1].rstrip('-')}-{digest}"


def label(text: str) -> str:
    """Return ``text`` as a label value of Google Cloud: lower case letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower())[:_LONGEST].strip("-")
