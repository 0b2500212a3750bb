"""``report.html``: what a run made, in one file that needs nothing else."""

from scripts.demo_report.gather import earlier_work
from scripts.demo_report.page import write_report

__all__ = ["earlier_work", "write_report"]
