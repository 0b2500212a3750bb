"""The fingerprint in an artifact's address: it changes when what made the artifact changes.

So "the artifact exists" means "the artifact is current".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

LENGTH = 12


def fingerprint(*, step: str, version: str, params: Mapping[str, Any], needs: Mapping[str, str]) -> str:
    """Hash a job's recipe.

    :param step: the step's name.
    :param version: the step's version.
    :param params: all parameters with their defaults, as JSON values.
    :param needs: input name -> fingerprint of the job that makes it ("" for the source).
    :return: 12 hexadecimal characters of a SHA-256.
    """
    recipe = {"step": step, "version": version, "params": dict(params), "needs": dict(needs)}
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
