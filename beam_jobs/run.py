"""The entry point that a runner is given: ``python -m beam_jobs.run SPEC_URI [SPEC_URI...]``.

Runs the jobs of the launch specs one after the other. Prints one event line now and then
(:mod:`beam_jobs.contract.events`) and ends with 0 when every pipeline ran to its end and its report is
complete, whatever became of single items, and with 2 and one sentence when one could not run.

Beam is imported late: while it loads, the step's child processes already warm up beside it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from beam_jobs.contract.address import local_path
from beam_jobs.contract.errors import MediaJobError
from beam_jobs.contract.fused import decode_fused, is_fused
from beam_jobs.contract.launch import decode_spec
from beam_jobs.contract.step import load_step
from beam_jobs.contract.step_path import find_steps
from beam_jobs.isolation.death import die_with_parent
from beam_jobs.pipelines.here import is_in_process, run_fused_here, run_here
from beam_jobs.pipelines.there import run_fused_there, run_there

COULD_NOT_RUN = 2

MAX_LINES = 4

_STARTED = time.monotonic()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = _parser().parse_args(argv)
    find_steps()
    if args.parent is not None:
        die_with_parent(args.parent)
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    code = 0
    for uri in args.specs:
        try:
            _run(uri, wait=not args.no_wait)
        except KeyboardInterrupt:
            print(f"{uri}: interrupted; run it again and it goes on where it was", file=sys.stderr)
            return 130
        except Exception as error:
            if args.verbose:
                logging.getLogger(__name__).exception("could not run %s", uri)
            print(f"could not run {uri}: {_sentence(error)}", file=sys.stderr)
            code = COULD_NOT_RUN
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m beam_jobs.run", description="Run media jobs with Apache Beam."
    )
    parser.add_argument("specs", nargs="+", metavar="SPEC_URI", help="launch spec of one job (JSON)")
    parser.add_argument("--no-wait", action="store_true", help="leave a remote job when it is submitted")
    parser.add_argument("--parent", type=int, metavar="PID", help="end at once when this parent is gone")
    parser.add_argument("-v", "--verbose", action="store_true", help="log Beam's messages, show tracebacks")
    return parser


def _run(uri: str, *, wait: bool) -> None:
    content = _read(uri)
    if is_fused(content):
        fused = decode_fused(content, where=uri)
        if is_in_process(fused.first):
            run_fused_here(fused, started=_STARTED)
        else:
            run_fused_there(fused, wait=wait)
        return
    spec = decode_spec(content, where=uri)
    step = load_step(spec.step)
    step.parse_params(spec.params)
    if is_in_process(spec):
        run_here(spec, step, started=_STARTED)
    else:
        run_there(spec, step, wait=wait)


def _read(uri: str) -> bytes:
    path = local_path(uri)
    if path is not None:
        return Path(path).read_bytes()
    from beam_jobs.pipelines.report_files import read_bytes

    return read_bytes(uri)


def _sentence(error: Exception) -> str:
    """Return an error as one line: Beam wraps the cause in pages of its own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines) if len(lines) < MAX_LINES else f"{lines[0]} … {lines[-1]}"
    if isinstance(error, ValidationError):
        faults = (f"params.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        text = "; ".join(faults)
    name = "" if isinstance(error, MediaJobError) else f"{type(error).__name__}: "
    return f"{name}{text}"[:2000]


if __name__ == "__main__":
    sys.exit(main())
