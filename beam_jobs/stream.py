"""The entry point of a stream: ``python -m beam_jobs.stream SPEC_URI``; SIGTERM drains it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from beam_jobs.contract.step_path import find_steps
from beam_jobs.contract.stream import decode_stream
from beam_jobs.isolation.death import die_with_parent

COULD_NOT_RUN = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m beam_jobs.stream", description="Serve one target.")
    parser.add_argument("spec", metavar="SPEC_URI", help="stream spec (JSON)")
    parser.add_argument("--parent", type=int, metavar="PID", help="end at once when this parent is gone")
    args = parser.parse_args(argv)
    find_steps()
    if args.parent is not None:
        die_with_parent(args.parent)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        from beam_jobs.pipelines.report_files import read_bytes
        from beam_jobs.pipelines.streaming import serve

        finished = serve(decode_stream(read_bytes(args.spec), where=args.spec))
    except Exception as error:
        print(f"could not run {args.spec}: {error}", file=sys.stderr)
        _end(COULD_NOT_RUN)
    if not finished:
        _end(0)
    return 0


def _end(code: int) -> NoReturn:
    """End this process: an ordinary exit would wait for what is in work, or hangs."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
