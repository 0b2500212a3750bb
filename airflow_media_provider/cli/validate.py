"""``airflow media validate``."""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow_media_provider.cli.command import ALL_DONE, COULD_NOT_RUN, command, registry_of
from airflow_media_provider.cli.output import is_object, print_rows, print_text


@command
def validate(args: Namespace) -> int:
    """Name every fault of the registry, each with file and line."""
    from airflow_media_provider.registry.neighbours import find_steps_beside
    from airflow_media_provider.registry.validate import validate_registry

    registry = registry_of(args)
    find_steps_beside(registry)
    faults = validate_registry(registry, overlay=args.overlay)
    if is_object(args.output):
        rows = [{"file": fault.file, "line": fault.line, "message": fault.message} for fault in faults]
        print_rows(rows, args.output)
    else:
        print_text(map(str, faults) if faults else [f"{registry}: no faults"])
    if faults:
        print(f"{len(faults)} fault{'s' if len(faults) > 1 else ''}", file=sys.stderr)
    return COULD_NOT_RUN if faults else ALL_DONE
