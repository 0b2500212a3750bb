"""What a person, a schedule or a command asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from airflow_media_provider.errors import PlanError
from airflow_media_provider.registry.model import SOURCE, JobGraph

if TYPE_CHECKING:
    from airflow_media_provider.planning import PlanQuery

SELECTORS = ("items", "items_uri", "prefix", "items_query")


class PlanRequest(BaseModel):
    """Which items, which jobs, and how.

    :param items: ids, or URIs of source files.
    :param items_uri: URI of a list file, or of several.
    :param prefix: prefix or glob over the source.
    :param items_query: of BigQuery, e.g. ``SELECT item FROM songs.tracks WHERE year >= 2020``.
    :param items_column: column of the list or of the query's result that has the item; None = ``item``.
    :param items_filter: rows of the list that are wanted, e.g. ``country == "SE" and year >= 2020``.
    :param partition: key of a slice of the catalog, as the registry's ``partitions`` have it; of shards a
        part of what else is selected.
    :param inventory_uri: saved inventory of buckets that stands in for listings: a report of Storage
        Insights (CSV, Parquet), its manifest, or the folder of all reports, which means the newest.
    :param leave_out: URI of a JSON Lines file with ``job`` and ``item``: cells that are not tried.
    :param targets: jobs; none = the jobs at the end of the graph (top-down: those at its start).
    :param limit: at most so many items of the selection, the first ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[str, ...] | None = None
    items_uri: str | tuple[str, ...] | None = None
    prefix: str | None = None
    items_query: str | None = None
    items_column: str | None = None
    items_filter: str | None = None
    partition: str | None = None
    inventory_uri: str | None = None
    leave_out: str | None = None
    targets: tuple[str, ...] = ()
    mode: Literal["bottom-up", "top-down", "only"] = "bottom-up"
    force: tuple[str, ...] = ()
    force_all: bool = False
    ping: bool = False
    dry_run: bool = False
    limit: int | None = Field(default=None, gt=0)

    @field_validator(
        "items_uri", "prefix", "items_query", "items_column", "items_filter", "partition", "inventory_uri",
        "leave_out", mode="before",
    )  # fmt: skip
    @classmethod
    def _blank_is_none(cls, value: Any) -> Any:
        return value.strip() or None if isinstance(value, str) else value

    @field_validator("items", mode="before")
    @classmethod
    def _blank_lines_are_no_items(cls, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(v for v in value if not (isinstance(v, str) and not v.strip())) or None
        return value

    @field_validator("targets", "force", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value

    @model_validator(mode="after")
    def _one_selector(self) -> PlanRequest:
        given = [name for name in SELECTORS if getattr(self, name) is not None]
        if len(given) > 1 or not (given or self.partition):
            have = " and ".join(given) if given else "none of them"
            raise ValueError(f"give exactly one of {', '.join(SELECTORS)}; given: {have}")
        return self

    def query(self, graph: JobGraph) -> PlanQuery:
        """Return the planner's question for ``graph``: targets filled in, jobs' own defaults added."""
        from airflow_media_provider.planning import Mode, PlanQuery, reached_jobs

        mode = Mode(self.mode)
        targets = graph.sort(graph.job(name).name for name in self.targets) or self._default_targets(graph)
        plain = PlanQuery(targets=targets, mode=mode)
        standing = {name for name in reached_jobs(graph, plain) if graph.jobs[name].force}
        return PlanQuery(
            targets=targets,
            mode=mode,
            force=frozenset(graph.job(name).name for name in self.force) | standing,
            force_all=self.force_all,
            ping=self.ping,
        )

    def _default_targets(self, graph: JobGraph) -> tuple[str, ...]:
        if self.mode == "only":
            raise PlanError(f"mode 'only' needs a target; jobs: {', '.join(graph.jobs)}")
        if self.mode == "top-down":
            return graph.sort(name for name, job in graph.jobs.items() if SOURCE in job.needs)
        return graph.sort(name for name in graph.jobs if not graph.children[name])


def parse_request(values: dict[str, Any]) -> PlanRequest:
    """Return ``values`` as a request; raises PlanError that names each fault."""
    try:
        return PlanRequest.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}"
            if e["loc"]
            else e["msg"].removeprefix("Value error, ")
            for e in error.errors()
        )
        raise PlanError(faults) from error
