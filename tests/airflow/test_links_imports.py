"""What a DAG file imports is read again and again by the DAG processor, so it must stay light."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("apache_beam", "numpy", "pyarrow", "librosa", "scipy", "soundfile", "av")

SCRIPT = f"""
import json, sys
import airflow.sdk, airflow.providers.common.compat.sdk, airflow.triggers.base
before = set(sys.modules)
import airflow_media_provider.operators.media, airflow_media_provider.sensors.media
import airflow_media_provider.triggers.media, airflow_media_provider.triggers.dataflow
import airflow_media_provider.links.media, airflow_media_provider.get_provider_info
print(json.dumps([name for name in {HEAVY!r} if name in set(sys.modules) - before]))
"""


@pytest.mark.airflow
def test_operators_sensors_triggers_and_links_load_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout.splitlines()[-1]) == []
