"""Tasks that look at storage."""
