"""What Airflow asks a provider about itself."""

from __future__ import annotations

from typing import Any

INTEGRATION = "Media jobs"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata; ``package-name`` must be the distribution's own name."""
    return {
        "package-name": "airflow-media-provider",
        "name": "Media",
        "description": "Runs a catalog's media jobs as a graph of Apache Beam jobs.",
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://beam.apache.org/",
                "tags": ["service"],
            }
        ],
        "operators": _modules("operators.media", "operators.streaming"),
        "sensors": _modules("sensors.media", "sensors.uploads"),
        "hooks": _modules("hooks.media", "hooks.pubsub"),
        "triggers": _modules("triggers.media", "triggers.dataflow", "triggers.uploads"),
        "extra-links": [
            f"airflow_media_provider.links.media.{name}"
            for name in ("MediaPlanLink", "MediaReportLink", "MediaRemoteJobLink")
        ],
        "cli": ["airflow_media_provider.cli.definition.get_media_cli_commands"],
        "config": {"media": {"description": "Media jobs.", "options": _options()}},
    }


def _modules(*names: str) -> list[dict[str, Any]]:
    modules = [f"airflow_media_provider.{name}" for name in names]
    return [{"integration-name": INTEGRATION, "python-modules": modules}]


def _options() -> dict[str, Any]:
    return {
        "registry": {
            "description": "Registry that the command line uses when --registry is not given.",
            "version_added": "0.1.0",
            "type": "string",
            "example": "/opt/airflow/dags/media_jobs.yaml",
            "default": None,
        },
        "python": {
            "description": "Interpreter that has the worker's packages; empty for Airflow's own.",
            "version_added": "0.1.0",
            "type": "string",
            "example": "/opt/worker/bin/python",
            "default": "",
        },
    }
