"""What a run does, without Airflow: plan, look again, launch, judge.

Operators and the command line are thin over this package.
"""
