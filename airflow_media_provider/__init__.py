"""Apache Airflow provider that runs a catalog's media jobs as a graph of Apache Beam jobs."""

__version__ = "0.1.0"
