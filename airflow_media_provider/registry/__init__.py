"""The registry: which jobs exist and what they need of each other."""
