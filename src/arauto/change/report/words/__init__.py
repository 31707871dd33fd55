"""The words of a plan, a file for each language."""
