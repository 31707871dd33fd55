"""What is made of a catalogue for others: types for those who send events, a document for tools, pages for people.

Each of ``python``, ``asyncapi`` and ``pages`` is a function of the catalogue alone: the same project gives the same
bytes.
"""
