"""Run a step in child processes, so that whatever it does costs one item only."""
