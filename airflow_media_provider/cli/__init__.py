"""``airflow media``: the registry and its runs, without a scheduler."""
