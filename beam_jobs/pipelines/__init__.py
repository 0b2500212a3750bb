"""Beam pipelines: read, process, write, report."""
