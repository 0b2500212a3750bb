"""One file per media step."""
