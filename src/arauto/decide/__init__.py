"""The pure core: who hears of an event, what a run does next, and what follows a failed attempt.

Everything here is a function of its arguments; ``now`` and chance are handed in. Read plan, then advance, then retry.
"""
