"""``airflow media verify``."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict

from airflow_media_provider.cli.command import ALL_DONE, SOME_LEFT, command, open_graph
from airflow_media_provider.cli.output import print_rows
from airflow_media_provider.cli.request import full_name_of
from airflow_media_provider.compat import conf


@command
def verify(args: Namespace) -> int:
    """Check that all that the registry names is there and usable; with ``--create`` make what is missing."""
    from airflow_media_provider.hooks.peers import MediaPeers
    from airflow_media_provider.runs.verify import verify as check

    graph = open_graph(args)
    python = args.python or conf.get("media", "python", fallback="") or sys.executable
    own = [full_name_of("--subscription", "subscription", name) for name in args.subscription or ()]
    peers = MediaPeers().peers()
    found = list(
        check(
            graph, peers, python=python, subscriptions=own, create=args.create,
            location=args.location,
        )
    )  # fmt: skip
    print_rows([asdict(finding) for finding in found], args.output)
    faults = sum(not finding.usable for finding in found)
    unknown = sum(finding.state == "not checked" for finding in found)
    text = f"{len(found)} checks, {faults} fault{'' if faults == 1 else 's'}"
    print(text + (f", {unknown} could not be checked here" if unknown else ""), file=sys.stderr)
    return SOME_LEFT if faults else ALL_DONE
