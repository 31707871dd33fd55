"""Benchmarks: the whole way in one process, beside the same job done plainly and without durability."""
