"""What waits in the triggerer while a task has given its slot away."""
