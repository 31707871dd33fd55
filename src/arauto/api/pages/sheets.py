"""sheets: a page as HTML, in the reader's language and the project's colours. No script, nothing from elsewhere but
the brand's logo, so that the strictest content security policy suits."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

import yaml
from babel import Locale
from minijinja import Environment
from starlette.responses import HTMLResponse

from arauto.content.color import readable_on, shade
from arauto.decide.locale import choose
from arauto.engine.words import language_of
from arauto.model import Brand, Category, Project

_FOLDER = files(__name__.rpartition(".")[0])


@cache
def _words(language: str) -> dict[str, str]:
    words: dict[str, str] = yaml.safe_load(_FOLDER.joinpath(f"{language}.yaml").read_text(encoding="utf-8"))
    return words


class Tongue:
    """What pages say in one language, and how they write a project's names in it."""

    def __init__(self, tag: str | None, project: Project) -> None:
        self.language = language_of(tag or project.locale)
        self._project = project
        self.locale = Locale.parse(self.language, sep="-")

    def say(self, code: str, **values: object) -> str:
        """The words of a code."""
        return _words(self.language)[code].format(**values)

    def title(self, category: Category) -> str:
        """A category's title."""
        chosen = choose(category.title, self.language, self._project.locale)
        return category.title[chosen] if chosen is not None else category.name

    def channel(self, name: str, *, label: bool = False) -> str:
        """A channel's name, within a sentence or as a label of its own."""
        known = _words(self.language).get(f"channel.{name}", name)
        return known[:1].upper() + known[1:] if label else known


class Sheets:
    """Makes the pages of one project."""

    def __init__(self, project: Project) -> None:
        self._brand = project.brand
        self._css = _css(project.brand)
        names = [each.name for each in _FOLDER.iterdir() if each.name.endswith(".html")]
        self._environment = Environment(
            templates={name: _FOLDER.joinpath(name).read_text(encoding="utf-8") for name in names},
            auto_escape_callback=lambda name: True,
            undefined_behavior="strict",
            trim_blocks=True,
        )
        self.headers = _headers(project.brand, self._css)

    def show(self, template: str, tongue: Tongue, *, status: int = 200, **context: object) -> HTMLResponse:
        """A page; ``context`` has its ``title``."""
        text = self._environment.render_template(
            f"{template}.html",
            language=tongue.language,
            brand={name: getattr(self._brand, name) for name in ("name", "logo", "url", "footer")},
            css=self._css,
            say=tongue.say,
            **context,
        )
        return HTMLResponse(text, status, {**self.headers, "Content-Language": tongue.language})

    def notice(
        self, tongue: Tongue, code: str, *, status: int, preferences_url: str | None = None, **values: object
    ) -> HTMLResponse:
        """A page that only says something: the words of ``code`` and ``code_text``."""
        return self.show(
            "notice",
            tongue,
            status=status,
            title=tongue.say(code),
            text=tongue.say(f"{code}_text", **values),
            preferences_url=preferences_url,
        )


def _css(brand: Brand) -> str:
    colors = {
        "LIGHT": shade(brand.color, dark=False),
        "ON_BUTTON": readable_on(brand.color),
        "ACCENT": shade(brand.color, dark=True),
        "BUTTON": brand.color,
    }
    css = _FOLDER.joinpath("page.css").read_text(encoding="utf-8")
    for name, color in colors.items():
        css = css.replace(name, color)
    return css


def _headers(brand: Brand, css: str) -> dict[str, str]:
    hashed = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    images = "'none'"
    if brand.logo is not None:
        logo = urlsplit(brand.logo)
        images = f"{logo.scheme}://{logo.netloc}"
    policy = {
        "default-src": "'none'",
        "style-src": f"'sha256-{hashed}'",
        "img-src": images,
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }
