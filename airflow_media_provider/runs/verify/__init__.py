"""Look whether everything outside of this program that a registry names is there and usable.

One file per thing that is looked at. Each check returns findings and raises nothing: what storage or a
service says is the finding.
"""

from airflow_media_provider.runs.verify.finding import Finding, State
from airflow_media_provider.runs.verify.peers import Peers
from airflow_media_provider.runs.verify.registry import verify

__all__ = ["Finding", "Peers", "State", "verify"]
