"""What Airflow asks a provider about itself."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata; ``package-name`` must be the distribution's own name."""
    return {
        "package-name": "airflow-media-provider",
        "name": "Media",
        "description": "Runs a catalog's media jobs as a graph of Apache Beam jobs.",
        "integrations": [
            {
                "integration-name": "Media jobs",
                "external-doc-url": "https://beam.apache.org/",
                "tags": ["service"],
            }
        ],
    }
