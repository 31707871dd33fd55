"""change: two versions of a project compared: what is different, what it breaks, and what recorded events would have led to."""
