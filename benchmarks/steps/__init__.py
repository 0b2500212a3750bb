"""Every step beside what one would use instead, on the same real files."""
