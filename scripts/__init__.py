"""Set-up, checks and the demo."""
