"""One JSON object a line, in a form that every reader splits at the same places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

_TROUBLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def encode_strings(values: Iterable[str], *, before: str, after: str) -> str:
    """Return one line per string between two pieces of JSON; many at a time are quick.

    The lines are those of :func:`encode_line`: ``before`` and ``after`` are what it would put around.
    """
    quote = json.encoder.encode_basestring
    text = "".join([f"{before}{quote(value)}{after}\n" for value in values])
    return _TROUBLE.sub(_escape, text)


def encode_line(data: Any) -> str:
    """Return ``data`` as one line of JSON without its newline.

    Letters of any script stay readable. What some readers take for an end of line (U+0085, U+2028) and
    what UTF-8 cannot hold (lone surrogates, as in undecodable file names) is escaped.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return _TROUBLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
