"""Measurements, each a command of its own that writes its page into results/."""
