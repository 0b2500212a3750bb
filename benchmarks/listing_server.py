"""Lists and shows the objects of one bucket, as the JSON API of Google Cloud Storage does.

The emulators cannot hold as many objects as a benchmark needs: putting the n-th takes time in proportion
to n. This one has names only, sorted, and finds a page by bisection.

    python -m benchmarks.listing_server PORT NAMES_FILE
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


class Handler(BaseHTTPRequestHandler):
    """Answers ``objects.list`` and ``objects.get``."""

    protocol_version = "HTTP/1.1"
    names: list[str]

    def do_GET(self) -> None:
        """Answer."""
        parts = urlsplit(self.path)
        _, slash, name = parts.path.partition("/o/")
        if parts.path.endswith("/o"):
            self._answer(200, self._page({key: values[0] for key, values in parse_qs(parts.query).items()}))
        elif not slash:
            self._answer(200, {"kind": "storage#bucket", "name": "bucket"})
        elif self._has(unquote(name)):
            self._answer(200, {"name": unquote(name)})
        else:
            self._answer(404, {"error": {"code": 404, "message": "no such object"}})

    def _has(self, name: str) -> bool:
        place = bisect_left(self.names, name)
        return place < len(self.names) and self.names[place] == name

    def _page(self, query: dict[str, str]) -> dict[str, object]:
        prefix, start = query.get("prefix", ""), query.get("startOffset", "")
        first = bisect_left(self.names, max(prefix, start, query.get("pageToken", "")))
        last = first + int(query.get("maxResults", 1000))
        end = query.get("endOffset")
        found = [n for n in self.names[first:last] if n.startswith(prefix) and (end is None or n < end)]
        page: dict[str, object] = {"items": [{"name": name} for name in found]}
        if found and len(found) == last - first and last < len(self.names):
            following = self.names[last]
            if following.startswith(prefix) and (end is None or following < end):
                page["nextPageToken"] = following
        return page

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Handler.names = sorted(Path(sys.argv[2]).read_text().splitlines())
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
