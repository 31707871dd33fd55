"""The words of what is told of two versions, a file for each language."""
