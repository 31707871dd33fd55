"""words: what the hub's reasons and states say to people, in English and Brazilian Portuguese."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from arauto.model import JSON, Reason

LANGUAGES = ("en", "pt-BR")


@cache
def _words(language: str) -> dict[str, str]:
    text = files(__name__).joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    words: dict[str, str] = yaml.safe_load(text)
    return words


def language_of(tag: str | None) -> str:
    """The one of LANGUAGES that suits a BCP 47 tag, a POSIX locale or an Accept-Language header; English otherwise."""
    return "pt-BR" if tag is not None and tag.strip().lower().startswith("pt") else "en"


def say(code: str, values: Mapping[str, JSON] | None = None, *, language: str = "en") -> str:
    """The sentence of a code, with its values; a code that has none is said as it stands."""
    template = _words(language).get(code)
    shown = {name: _shown(value) for name, value in (values or {}).items()}
    if template is None:
        return code if not shown else f"{code} ({', '.join(f'{name}: {text}' for name, text in shown.items())})"
    return template.format_map(_Lenient(shown))


def say_reason(reason: Reason | Mapping[str, JSON], *, language: str = "en") -> str:
    """A reason as a sentence."""
    if isinstance(reason, Reason):
        return say(reason.code, reason.values, language=language)
    return say(reason["code"], reason.get("values"), language=language)


class _Lenient(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "—"


def _shown(value: JSON) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} = {_shown(each)}" for name, each in value.items()) or "—"
        case list():
            return ", ".join(_shown(each) for each in value) or "—"
        case bool():
            return str(value).lower()
        case None:
            return "null"
    return str(value)
