"""The command group and its arguments. Every ``airflow`` command imports this, so it stays light."""

from __future__ import annotations

import argparse

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ActionCommand,
    Arg,
    GroupCommand,
    lazy_load_command,
    positive_int,
)


def _days(text: str) -> float:
    """Read a number of days from 0."""
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; write 0 or more, e.g. 7 or 0.5")
    return days


REGISTRY = Arg(
    ("-r", "--registry"),
    help="Registry: a YAML file or package.module:NAME (default: the option registry of section media)",
)
OVERLAY = Arg(("--overlay",), help="Overlay of the registry: a name in it, or another file")
ITEMS = Arg(
    ("-i", "--items"),
    help="Item ids, or URIs of source files; a single - reads them from standard input, one per line",
    nargs="+",
    metavar="ITEM",
)
ITEMS_URI = Arg(("--items-uri",), help="List file: text, CSV, JSON Lines, Parquet or Avro", metavar="URI")
PREFIX = Arg(("-p", "--prefix"), help="Prefix or glob over the source; '**' is all of it", metavar="PREFIX")
ITEMS_QUERY = Arg(
    ("--items-query",), help="BigQuery query whose result has a column with the items", metavar="SQL"
)
ITEMS_COLUMN = Arg(
    ("--items-column",), help="Column of the list or result that has the item (default: item)", metavar="NAME"
)
ITEMS_FILTER = Arg(
    ("--items-filter",),
    help='Rows of the list to take, as: country == "SE" and year >= 2020',
    metavar="CONDITION",
)
PARTITION = Arg(
    ("--partition",), help="Key of one of the registry's partitions, as a shard or a date", metavar="KEY"
)
INVENTORY = Arg(
    ("--inventory",),
    help="Saved inventory in place of listings: a report of Storage Insights, its manifest, or the folder of "
    "all reports (the newest)",
    dest="inventory_uri",
    metavar="URI",
)
LIMIT = Arg(("--limit",), help="At most so many items, the first ones", type=positive_int(allow_zero=False))
TARGET = Arg(
    ("-t", "--target"),
    help="Jobs, with commas between them (default: the jobs at the end of the graph)",
    action="append",
    metavar="JOB[,JOB…]",
)
MODE = Arg(
    ("-m", "--mode"),
    help="bottom-up: targets and missing ancestors; top-down: targets and all that depends on them; "
    "only: targets",
    choices=("bottom-up", "top-down", "only"),
    default="bottom-up",
)
FORCE = Arg(
    ("-f", "--force"),
    help="Do these jobs again, with what depends on them on the line",
    action="append",
    metavar="JOB[,JOB…]",
)
FORCE_ALL = Arg(("--force-all",), help="Do the whole line again", action="store_true")
PING = Arg(("--ping",), help="Trace the items through the graph, do no work", action="store_true")
DRY_RUN = Arg(("--dry-run",), help="Write the plan into a run folder and start nothing", action="store_true")
CELLS = Arg(
    ("--cells",),
    help="One line per item and job, with its reason; for many, plain and json are quick",
    action="store_true",
)
GRAPH = Arg(("--graph",), help="Show the graph, as text or as DOT", choices=("text", "dot"))
PYTHON = Arg(
    ("--python",),
    help="Interpreter that has the worker's packages (default: the option python of section media)",
)
ITEM = Arg(("item",), help="Item id, or URI of its source file", metavar="ITEM")

MESSAGE_ITEMS = Arg(
    ("item",),
    help="Item ids, or URIs of source files; a single - reads them from standard input, one per line",
    nargs="*",
    metavar="ITEM",
)
TOPIC = Arg(
    ("--topic",), help="Full name of a topic (default: the topic of uploads in the registry)", metavar="TOPIC"
)
FORCE_TARGETS = Arg(("-f", "--force"), help="Do the targets again although they exist", action="store_true")
BOTTOM_UP = Arg(("--bottom-up",), help="The targets and their missing ancestors", action="store_true")
TOP_DOWN = Arg(("--top-down",), help="The targets and all that depends on them", action="store_true")

JOB = Arg(
    ("-j", "--job"),
    help="Whose artifacts, with commas between jobs (default: of every job)",
    action="append",
    metavar="JOB[,JOB…]",
)
OLDER_THAN_DAYS = Arg(
    ("--older-than-days",), help="Only what was last written so many days ago", type=_days, metavar="N"
)
RUNS = Arg(("--runs",), help="Instead of artifacts, the folders of old runs", action="store_true")
YES = Arg(("--yes",), help="Remove it; without this it is only shown", action="store_true")
CREATE = Arg(
    ("--create",),
    help="Make Google's buckets, topics, subscriptions, the notification of uploads and local folders that "
    "are missing; what exists is not changed",
    action="store_true",
)
LOCATION = Arg(("--location",), help="Where new buckets are (default: the service's)", metavar="LOCATION")

PARTITIONS = Arg(
    ("--partitions",),
    help="Keys of the registry's partitions: a..f, a,b, 2026-01-01..2026-01-31, or all",
    metavar="KEYS",
)
SLICE_ITEMS = Arg(
    ("--slice-items",),
    help="Items of a list that make one run (default: %(default)s)",
    type=positive_int(allow_zero=False),
    default=10_000,
)
ORDER = Arg(
    ("--order",),
    help="Which run first: dates by date, a list by when its source files changed (default: the registry's "
    "order, a list by name)",
    choices=("registry", "name", "newest", "oldest"),
)
MAX_ACTIVE = Arg(
    ("--max-active",),
    help="Runs at a time (default: %(default)s)",
    type=positive_int(allow_zero=False),
    default=4,
)
BUDGET_ITEMS = Arg(
    ("--budget-items",),
    help="Start no run with which more items than this would have something to run",
    type=positive_int(allow_zero=True),
)
RETRY_FAILED = Arg(
    ("--retry-failed",), help="Try again what failed before; else it is left out", action="store_true"
)
AGAIN = Arg(
    ("--again",),
    help="Look at partitions that are done again, for files that came since",
    action="store_true",
)
WAIT = Arg(
    ("--wait",),
    help="Follow the runs to their end; else start as many as may be active and leave",
    action=argparse.BooleanOptionalAction,
    default=True,
)
PREVIEW = Arg(("--dry-run",), help="Count per partition what would run; no run is made", action="store_true")
DAG_ID = Arg(("--dag-id",), help="DAG that does it (default: the registry's name)")

STREAM_ACTION = Arg(
    ("action",),
    help="start: serve messages here until drained; drain: finish what is in work and end; stop: end at once",
    choices=("start", "status", "drain", "stop"),
)
STREAM_JOB = Arg(("job",), help="Target job; its missing ancestors are made on the way", metavar="JOB")
SUBSCRIPTION = Arg(
    ("--subscription",),
    help="For start: full name (default: that of uploads in the registry)",
    metavar="SUBSCRIPTION",
)

STREAM_SUBSCRIPTION = Arg(
    ("--subscription",),
    help="Full name of a stream's own subscription, which the registry does not name; may be given several "
    "times",
    action="append",
    metavar="SUBSCRIPTION",
)

STEP = Arg(("step",), help="Name of a step, or package.module:name", nargs="?", metavar="STEP")
SCHEMA = Arg(
    ("--schema",),
    help="Only the JSON Schema of its artifact, or of its params",
    choices=("artifact", "params"),
)

COMMON = (REGISTRY, OVERLAY, ARG_OUTPUT, ARG_VERBOSE)
SELECTION = (ITEMS, ITEMS_URI, PREFIX, ITEMS_QUERY, ITEMS_COLUMN, ITEMS_FILTER, PARTITION, LIMIT)
REQUEST = (*SELECTION, TARGET, MODE, FORCE, FORCE_ALL, PING, INVENTORY)


def get_media_cli_commands() -> list[GroupCommand]:
    """Return what Airflow adds to its command line."""
    return [
        GroupCommand(
            name="media",
            help="Media jobs: what would run, why, and what became of it",
            description="Media jobs of a registry. Exit codes: 0 all done, 1 some items failed or blocked, "
            "2 could not run.",
            subcommands=(
                _command("jobs", "List the jobs, or show their graph", GRAPH),
                _command("steps", "List the steps, or tell what one takes and gives", STEP, SCHEMA),
                _command("validate", "Check the registry and name every fault with its line"),
                _command("plan", "Say what would run and why; starts nothing", *REQUEST, CELLS),
                _command("run", "Plan and run here, without a scheduler", *REQUEST, DRY_RUN, PYTHON),
                _command("status", "Count which artifacts exist, per job", *SELECTION, TARGET, INVENTORY),
                _command(
                    "publish",
                    "Ask for work on items, by one message each on Pub/Sub",
                    MESSAGE_ITEMS,
                    ITEMS_URI,
                    PREFIX,
                    LIMIT,
                    TARGET,
                    FORCE_TARGETS,
                    PING,
                    BOTTOM_UP,
                    TOP_DOWN,
                    TOPIC,
                ),
                _command(
                    "verify",
                    "Check that storage, topics and workers are usable",
                    CREATE,
                    LOCATION,
                    STREAM_SUBSCRIPTION,
                    PYTHON,
                ),
                _command(
                    "clean",
                    "Show artifacts of old fingerprints or old runs, and remove them when told to",
                    *SELECTION,
                    JOB,
                    OLDER_THAN_DAYS,
                    RUNS,
                    YES,
                ),
                _command(
                    "backfill",
                    "Run a DAG once per partition, or per slice of a list, and follow it",
                    PARTITIONS,
                    ITEMS_URI,
                    SLICE_ITEMS,
                    TARGET,
                    MODE,
                    ORDER,
                    MAX_ACTIVE,
                    BUDGET_ITEMS,
                    RETRY_FAILED,
                    AGAIN,
                    PREVIEW,
                    WAIT,
                    DAG_ID,
                ),
                _command(
                    "stream",
                    "Serve a target as messages come",
                    STREAM_ACTION,
                    STREAM_JOB,
                    SUBSCRIPTION,
                    PYTHON,
                ),
                _command("why", "Tell all that is known of one item, in every job", ITEM),
            ),
        )
    ]


def _command(name: str, text: str, *args: Arg) -> ActionCommand:
    return ActionCommand(
        name=name,
        help=text,
        func=lazy_load_command(f"airflow_media_provider.cli.{name}.{name}"),
        args=(*args, *COMMON),
    )
