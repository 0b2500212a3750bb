"""Find audio among the artifacts of a fingerprint job.

::

    python -m beam_jobs.match EXCERPT.mp3 FOLDER    # artifacts, *.npz, below a folder

prints one JSON object per item that sounds the same, best first: ``item`` (the artifact's path below the
folder without its suffix), ``score``, ``offset_s``, ``hashes``. The query is audio or an artifact itself. For
many queries use :class:`beam_jobs.media.fingerprints.FingerprintIndex`, which this fills anew at every call.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.fingerprints import MIN_SCORE, FingerprintIndex, fingerprint_of, read_fingerprint

ARTIFACT = ".npz"


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 when something matches, 1 when nothing does, 2 when a file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m beam_jobs.match", description=__doc__.splitlines()[0])
    parser.add_argument("query", type=Path, help="audio, or an artifact of the step fingerprint")
    parser.add_argument("folder", type=Path, help="holds the artifacts of the known items")
    parser.add_argument("--min-score", type=float, default=MIN_SCORE, help="default: %(default)s")
    args = parser.parse_args(argv)
    try:
        read = read_fingerprint if args.query.suffix == ARTIFACT else fingerprint_of
        query = read(args.query)
        index = FingerprintIndex()
        for path in sorted(args.folder.rglob(f"*{ARTIFACT}")):
            index.add(str(path.relative_to(args.folder).with_suffix("")), read_fingerprint(path))
    except (OSError, UndecodableMedia) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    if not len(index):
        parser.error(f"no *{ARTIFACT} below {args.folder}")
    found = index.match(query, min_score=args.min_score)
    for match in found:
        print(json.dumps(asdict(match)))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
