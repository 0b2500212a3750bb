"""Beam's own counters and distributions of a job, by name, in the namespace ``media``."""

from __future__ import annotations

from typing import Any

from apache_beam.metrics.metric import Metrics, MetricsFilter

from beam_jobs.contract.report import ReportRow

NAMESPACE = "media"


def count_row(row: ReportRow) -> None:
    """Add a row to the metrics; call it in a bundle's own thread."""
    Metrics.counter(NAMESPACE, f"items_{row.status}").inc()
    Metrics.counter(NAMESPACE, "bytes_in").inc(row.bytes_in)
    Metrics.counter(NAMESPACE, "bytes_out").inc(row.bytes_out)
    if row.media_seconds:
        Metrics.distribution(NAMESPACE, "media_seconds").update(round(row.media_seconds))
    for stage, seconds in row.seconds.items():
        Metrics.distribution(NAMESPACE, f"{stage}_ms").update(round(seconds * 1000))
    for stage, seconds in row.cpu_seconds.items():
        Metrics.distribution(NAMESPACE, f"{stage}_cpu_ms").update(round(seconds * 1000))


def read_metrics(result: Any) -> dict[str, dict[str, Any]]:
    """Return a finished pipeline's metrics of this namespace as JSON values."""
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    counters = {metric.key.metric.name: metric.result for metric in found["counters"]}
    distributions = {
        metric.key.metric.name: {
            name: getattr(metric.result, name) for name in ("count", "sum", "min", "max", "mean")
        }
        for metric in found["distributions"]
    }
    return {"counters": dict(sorted(counters.items())), "distributions": dict(sorted(distributions.items()))}
