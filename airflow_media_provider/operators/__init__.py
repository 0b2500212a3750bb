"""Tasks: plan a run, run one job of it, and say what became of it."""
