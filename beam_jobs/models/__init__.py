"""Models that run on media, through Beam's RunInference."""
