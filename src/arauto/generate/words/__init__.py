"""The words of generated pages, a file for each language."""
