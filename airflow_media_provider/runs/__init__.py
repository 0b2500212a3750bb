"""What a run does, without Airflow: plan, look again, launch, judge. Operators and the CLI are thin over it."""
