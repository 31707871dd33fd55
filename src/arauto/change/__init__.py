"""change: two versions of a project compared: what differs, what it breaks, what recorded events would have led to."""
