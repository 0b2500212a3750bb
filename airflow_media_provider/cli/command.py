"""What all commands share: the registry, and errors as one sentence with exit code 2."""

from __future__ import annotations

import functools
import logging
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from airflow_media_provider.cli.output import only_answers
from airflow_media_provider.compat import conf
from airflow_media_provider.errors import Fault, MediaError, RegistryError

if TYPE_CHECKING:
    from airflow_media_provider.registry.model import JobGraph
    from airflow_media_provider.storage import Stores

ALL_DONE, SOME_LEFT, COULD_NOT_RUN = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141
"""What a shell gives for a command that SIGINT or SIGPIPE ended."""


def command(function: Callable[[Namespace], int]) -> Callable[[Namespace], NoReturn]:
    """Make a command of a function that returns its exit code.

    Only the answer goes to standard output. Errors that are somebody's to mend are one sentence on
    standard error; ``--verbose`` shows where they come from.
    """

    @functools.wraps(function)
    def run(args: Namespace) -> NoReturn:
        try:
            with _quiet(args.verbose), only_answers():
                code = function(args)
            sys.stdout.flush()
        except RegistryError as error:
            code = _fail(args, error, "\nerror: ".join(map(str, error.faults)))
        except BrokenPipeError:
            code = _pipe_closed()
        except (MediaError, OSError) as error:
            code = _fail(args, error, str(error))
        except Exception as error:
            # Python's own exit code for this is 1, which would read as "some items failed".
            code = _fail(args, error, f"{type(error).__name__}: {error} (--verbose shows where)")
        except KeyboardInterrupt:
            print("interrupted; what is finished stays, the same command goes on from there", file=sys.stderr)
            code = INTERRUPTED
        sys.exit(code)

    return run


def _fail(args: Namespace, error: Exception, text: str) -> int:
    if args.verbose:
        logging.getLogger(__name__).error("", exc_info=error)
    print(f"error: {text}", file=sys.stderr)
    return COULD_NOT_RUN


def _pipe_closed() -> int:
    """End as a filter does whose reader has seen enough."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


@contextmanager
def _quiet(verbose: bool) -> Iterator[None]:
    if verbose:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.INFO)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def registry_of(args: Namespace) -> str:
    """Return the registry that a command is about; raises RegistryError when none is named."""
    registry = args.registry or conf.get("media", "registry", fallback=None)
    if not registry:
        raise RegistryError([Fault("no registry; give --registry FILE, or set [media] registry")])
    return str(registry)


def open_graph(args: Namespace) -> JobGraph:
    """Load the registry of a command."""
    from airflow_media_provider.registry.load import load_registry
    from airflow_media_provider.registry.neighbours import find_steps_beside

    registry = registry_of(args)
    find_steps_beside(registry)
    return load_registry(registry, overlay=args.overlay)


def open_stores(uri: str) -> Stores:
    """Return the stores; only Google storage needs Airflow's connections."""
    if uri.startswith("gs://"):
        from airflow_media_provider.hooks.media import MediaHook

        return MediaHook().stores()
    from airflow_media_provider.storage import Stores

    return Stores()
