"""Pages as static HTML: one sheet, no script, nothing from elsewhere; for the dark, paper and screen readers, too."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from arauto.content.color import shade
from arauto.generate.pages import Block, Example, Heading, Items, Page, Paragraph, Site, Steps, Table, file_of
from arauto.generate.say import Code, Line, Link, Words, sentence
from arauto.generate.telling import Told

_NAVIGATION = ("overview", "events", "notifications", "people", "systems", "groups", "channels")
_LEAD = ' class="lead"'


def html(site: Site, languages: tuple[str, ...]) -> dict[str, str]:
    """The files of a site by name, below the folder of its language; ``languages`` are those there are pages in."""
    written = {f"{file_of(page.path)}.html": _page(site, page, languages) for page in site.pages}
    return {"style.css": sheet(site.color), **written}


def chooser(title: str, languages: tuple[str, ...]) -> str:
    """The page above those of all languages."""
    links = "".join(
        f'<li><a href="{each}/index.html" lang="{each}">{escape(Words(each).text("itself"))}</a></li>'
        for each in languages
    )
    top = head(languages[0], title, _linked(f"{languages[0]}/style.css"))
    return f'{top}<body class="chooser"><main><h1>{escape(title)}</h1><ul>{links}</ul></main></body></html>\n'


def sheet(color: str) -> str:
    """The sheet of all pages; ``color`` is the brand's."""
    accents = f":root{{--accent:{shade(color, dark=True)};--accent-dark:{shade(color, dark=False)}}}\n"
    return accents + files(__package__).joinpath("pages.css").read_text(encoding="utf-8")


def head(language: str, title: str, style: str) -> str:
    """A page up to its body; ``style`` is the element that has the sheet, or leads to it."""
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f"{style}</head>\n"
    )


def _linked(sheet: str) -> str:
    return f'<link rel="stylesheet" href="{sheet}">'


def _page(site: Site, page: Page, languages: tuple[str, ...]) -> str:
    words, up = site.words, "../" * page.path.count("/")
    writer = _Writer(up)
    others = "".join(
        f'<a class="language" lang="{each}" hreflang="{each}" href="{up}../{each}/{file_of(page.path)}.html">'
        f"{escape(Words(each).text('itself'))}</a>"
        for each in languages
        if each != words.language
    )
    title = escape(page.title)
    label = "" if page.path == "index" else f'<p class="kind">{escape(page.kind)}</p>'
    name = f"<code>{title}</code>" if page.section == "events" else title
    return (
        head(words.language, f"{page.title} · {site.brand}", _linked(f"{up}style.css"))
        + f'<body><a class="skip" href="#content">{escape(words.text("skip"))}</a>\n'
        f'<header><a class="brand" href="{up}index.html">{escape(site.brand)}</a>'
        f'<nav aria-label="{escape(words.text("nav"))}">{_navigation(site, page, up)}</nav>{others}</header>\n'
        f'<div class="columns">{_aside(site, page, up)}<main id="content">{label}<h1>{name}</h1>\n'
        + "".join(map(writer.block, page.blocks))
        + f"</main></div>\n<footer>{escape(words.text('footer', version=site.version))}</footer></body></html>\n"
    )


def _navigation(site: Site, page: Page, up: str) -> str:
    """The first page of each part of the site."""
    links: list[str] = []
    for section in _NAVIGATION:
        first = next((each for each in site.pages if each.section == section), None)
        if first is not None:
            here = ' aria-current="true"' if section == page.section else ""
            links.append(f'<a href="{up}{file_of(first.path)}.html"{here}>{escape(site.words.text(section))}</a>')
    return "".join(links)


def _aside(site: Site, page: Page, up: str) -> str:
    """The pages beside this one."""
    beside = [each for each in site.pages if each.section == page.section]
    if len(beside) < 2:
        return ""
    links = "".join(
        f'<li><a href="{up}{file_of(each.path)}.html"{_here(each is page)}>{escape(each.title)}</a></li>'
        for each in beside
    )
    label = escape(site.words.text(page.section))
    return f'<nav class="beside" aria-label="{label}"><h2>{label}</h2><ul>{links}</ul></nav>'


def _here(it_is: bool) -> str:
    return ' aria-current="page"' if it_is else ""


class _Writer:
    """Writes blocks; ``up`` leads to the top of the language's pages."""

    def __init__(self, up: str) -> None:
        self._up = up

    def line(self, line: Line) -> str:
        return "".join(map(self._part, line))

    def _part(self, part: str | Code | Link) -> str:
        match part:
            case Code(text):
                return f"<code>{escape(text)}</code>"
            case Link(to, text, code):
                shown = f"<code>{escape(text)}</code>" if code else escape(text)
                return f'<a href="{self._up}{file_of(to)}.html">{shown}</a>'
        return escape(part)

    def block(self, block: Block) -> str:
        match block:
            case Heading(level, line, chips):
                marks = "".join(f' <span class="chip">{self.line(chip)}</span>' for chip in chips)
                return f"<h{level}>{self.line(line)}{marks}</h{level}>\n"
            case Paragraph(line, lead):
                return f"<p{_LEAD if lead else ''}>{self.line(line)}</p>\n"
            case Items(lines):
                return f"<ul>{''.join(f'<li>{self.line(line)}</li>' for line in lines)}</ul>\n"
            case Steps(steps):
                return self._steps(steps)
            case Table():
                return self._table(block)
            case Example(name, text):
                return f"<details><summary>{escape(name)}</summary><pre><code>{escape(text)}</code></pre></details>\n"

    def _steps(self, steps: tuple[Told, ...]) -> str:
        return f'<ol class="steps">{"".join(map(self._step, steps))}</ol>\n'

    def _step(self, told: Told) -> str:
        inside = "".join(
            (f'<p class="way">{self.line(sentence(label, ":"))}</p>' if label else "") + self._steps(steps)
            for label, steps in told.inside
        )
        line = self.line(sentence(told.line, ":" if inside else "."))
        return f'<li class="{told.kind}"><p>{line}</p>{inside}</li>'

    def _table(self, table: Table) -> str:
        head = "".join(f'<th scope="col">{escape(each)}</th>' for each in table.head)
        rows = "".join(self._row(row, table.head) for row in table.rows)
        whole = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f'<div class="{"table summary" if table.summary else "table"}" tabindex="0">{whole}</div>\n'

    def _row(self, row: tuple[Line, ...], head: tuple[str, ...]) -> str:
        cells = "".join(
            f'<td data-label="{escape(name)}">{self.line(line)}</td>' for name, line in zip(head, row, strict=True)
        )
        return f"<tr>{cells}</tr>" if row[0] else f'<tr class="more">{cells}</tr>'
