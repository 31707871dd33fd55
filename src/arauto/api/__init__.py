"""The HTTP API: thin; each call asks the hub or the store. Start with ``application``."""
