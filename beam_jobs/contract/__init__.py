"""All that the two sides say to each other: items, addresses, steps, launch specs, reports.

Airflow's side imports this package while it parses DAG files, so nothing in it may import Beam,
numpy or a codec.
"""
