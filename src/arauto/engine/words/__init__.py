"""words: what the hub's reasons and states say to people, in English and Brazilian Portuguese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files

import yaml

from arauto.model import JSON, Reason, write_duration

LANGUAGES = ("en", "pt-BR")

_BY_LANGUAGE = {language.partition("-")[0]: language for language in LANGUAGES}
_LANGUAGE = re.compile(r"[-_.@]")
_WEIGHT = re.compile(r"\bq=([01](?:\.[0-9]{0,3})?)")


@cache
def _words(language: str) -> dict[str, str]:
    text = files(__name__).joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    words: dict[str, str] = yaml.safe_load(text)
    return words


def language_of(tag: str | None) -> str:
    """The one of LANGUAGES that suits a BCP 47 tag, a POSIX locale or an Accept-Language header; English otherwise."""
    chosen, best = "en", 0.0
    for entry in (tag or "").lower().split(","):
        name, _, parameters = entry.partition(";")
        language = _BY_LANGUAGE.get(_LANGUAGE.split(name.strip(), maxsplit=1)[0])
        weight = _WEIGHT.search(parameters)
        wanted = float(weight[1]) if weight else 1.0
        if language is not None and wanted > best:
            chosen, best = language, wanted
    return chosen


def say(code: str, values: Mapping[str, JSON] | None = None, *, language: str = "en") -> str:
    """The sentence of a code, with its values; a code that has none is said as it stands."""
    template = _words(language).get(code)
    shown = {name: _value(name, value, language) for name, value in (values or {}).items()}
    if template is None:
        return code if not shown else f"{code} ({', '.join(f'{name}: {text}' for name, text in shown.items())})"
    return template.format_map(_Lenient(shown))


def say_reason(reason: Reason | Mapping[str, JSON], *, language: str = "en", decision: str | None = None) -> str:
    """A reason as a sentence; with words of its own for what was decided by it, where there are some."""
    code, values = (
        (reason.code, reason.values) if isinstance(reason, Reason) else (reason["code"], reason.get("values"))
    )
    own = f"{code}.{decision}"
    return say(own if own in _words(language) else code, values, language=language)


class _Lenient(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "—"


def _value(name: str, value: JSON, language: str) -> str:
    match name, value:
        case "receipt", str():
            return say(f"state.{value}", language=language)
        case "seconds", int():
            return write_duration(timedelta(seconds=value))
    return _shown(value)


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
