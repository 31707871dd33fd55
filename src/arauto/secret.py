"""Secrets: values that reach a provider or a verifier and nothing else.

A project folder names a secret (``env:TWILIO_AUTH_TOKEN``, ``file:/run/secrets/twilio``) and does not hold it.
"""

from __future__ import annotations

import os
from pathlib import Path

from arauto.errors import SecretMissing

MASK = "***"


class Secret:
    """A secret or the place where it is kept; ``str``, ``repr`` and ``==`` never show or compare the value."""

    __slots__ = ("_reference",)

    def __init__(self, reference: str) -> None:
        self._reference = reference

    def reveal(self) -> str:
        """The secret itself: the named environment variable, the named file's text (stripped), or the text given.

        Raises SecretMissing, which names the variable or the file.
        """
        scheme, _, place = self._reference.partition(":")
        if scheme == "env":
            value = os.environ.get(place)
            if not value:
                raise SecretMissing(f"the environment variable {place} is not set; export {place}=… and start again")
            return value
        if scheme == "file":
            try:
                return Path(place).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SecretMissing(f"the secret file {place} cannot be read: {error.strerror}") from None
        return self._reference

    @property
    def place(self) -> str:
        """Where the secret is kept, fit to be shown: ``env:NAME``, ``file:PATH``, or ``***`` when written inline."""
        return self._reference if self._reference.startswith(("env:", "file:")) else MASK

    def __repr__(self) -> str:
        return f"Secret({self.place})"

    def __str__(self) -> str:
        return MASK
