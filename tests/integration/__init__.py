"""Tests on a real Airflow: scheduler, LocalExecutor, Postgres, browser."""
