"""One JSON object a line, in a form that every reader splits at the same places."""

from __future__ import annotations

import json
import re
from typing import Any

_TROUBLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def encode_line(data: Any) -> str:
    """Return ``data`` as one line of JSON without its newline.

    Letters of any script stay readable. What some readers take for an end of line (U+0085, U+2028) and
    what UTF-8 cannot hold (lone surrogates, as in undecodable file names) is escaped.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return _TROUBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
