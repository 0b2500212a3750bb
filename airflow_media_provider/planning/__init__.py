"""Pure functions: a graph, a question and what exists -> what must run, per item and job, and why.

No Airflow and no storage in here. One byte per cell and numpy's boolean algebra over all items at once,
so time and memory are flat per item.
"""

from airflow_media_provider.planning.cells import Cell, CellTable, JobCells
from airflow_media_provider.planning.codes import Action, CodeBook, Reason
from airflow_media_provider.planning.merge import merge_tables
from airflow_media_provider.planning.overrides import ItemForce, ItemPing, item_force, item_ping
from airflow_media_provider.planning.planner import plan_cells
from airflow_media_provider.planning.query import Mode, PlanQuery, goal_jobs, reached_jobs

__all__ = [
    "Action",
    "Cell",
    "CellTable",
    "CodeBook",
    "ItemForce",
    "ItemPing",
    "JobCells",
    "Mode",
    "PlanQuery",
    "Reason",
    "goal_jobs",
    "item_force",
    "item_ping",
    "merge_tables",
    "plan_cells",
    "reached_jobs",
]
