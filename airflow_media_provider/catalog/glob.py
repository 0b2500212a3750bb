"""Globs over item ids: ``*`` and ``?`` stop at ``/``, ``**`` does not, ``[abc]`` and ``[!abc]`` are sets."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?(?:\][^\]]*|[^\]]+)\]|[^*?\[]+|\[")
_PLAIN = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def literal_part(glob: str) -> str:
    """Return what comes before the first character with a meaning; all of it when there is none."""
    match = re.search(r"\*|\?|\[!?(?:\][^\]]*|[^\]]+)\]", glob)
    return glob[: match.start()] if match else glob


def to_regex(glob: str) -> str:
    """Return the RE2 expression of a glob, to be anchored by the caller."""
    parts = []
    for token in _TOKEN.findall(glob):
        if token in _PLAIN:
            parts.append(_PLAIN[token])
        elif len(token) > 1 and token[0] == "[":
            parts.append(_set(token[1:-1]))
        else:
            parts.append(re.escape(token))
    return f"(?s:{''.join(parts)})"


def _set(inner: str) -> str:
    """Translate what stands between brackets; no set takes a ``/``."""
    negated = inner.startswith("!")
    members = inner[1:] if negated else inner
    ranges = []
    for part in re.findall(r"(?s).-.|.", members):
        low, high = part[0], part[-1]
        if low <= high:  # a range the wrong way round holds nothing
            ranges.append((ord(low), ord(high)))
    if negated:
        return f"[^/{''.join(_span(low, high) for low, high in ranges)}]"
    without_slash = [(low, high) for low, high in ranges if (low, high) != (ord("/"), ord("/"))]
    return (
        f"[{''.join(_span(low, high) for low, high in without_slash)}]"
        if without_slash
        else r"[^\x00-\x{10FFFF}]"
    )


def _span(low: int, high: int) -> str:
    return rf"\x{{{low:X}}}-\x{{{high:X}}}"
