"""The engine: the only place where a decision becomes an effect.

``admit`` turns what a source tells into events of the catalogue; ``stages`` has Engine, whose methods are the
stages plan, advance, attempt and settle, each callable by itself; ``hub`` runs them in loops; ``explain`` reads
back what each of them wrote.
"""
