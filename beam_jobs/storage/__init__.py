"""Fetch an item's inputs and publish its artifact: one file per kind of storage."""
