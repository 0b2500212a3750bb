"""Connections of Airflow, as the rest of the package needs them."""
