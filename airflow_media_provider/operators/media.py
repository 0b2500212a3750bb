"""The operators by their public names."""

from __future__ import annotations

from airflow_media_provider.operators.beam import MediaBeamOperator
from airflow_media_provider.operators.plan import MediaPlanOperator
from airflow_media_provider.operators.summary import MediaSummaryOperator

__all__ = ["MediaBeamOperator", "MediaPlanOperator", "MediaSummaryOperator"]
