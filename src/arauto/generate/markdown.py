"""Pages as Markdown, as GitHub and most wikis show it."""

from __future__ import annotations

import re
from posixpath import relpath

from arauto.generate.escaping import code, fenced, text, whole_line
from arauto.generate.pages import Block, Example, Heading, Items, Page, Paragraph, Site, Steps, Table, file_of
from arauto.generate.say import Code, Line, Link, Words, sentence
from arauto.generate.telling import Told

_BAR = re.compile(r"(?<!\\)\|")
"""In code it ends a cell, too."""


def markdown(site: Site, languages: tuple[str, ...]) -> dict[str, str]:
    """The files of a site by name, below the folder of its language."""
    return {f"{file_of(page.path)}.md": _page(site, page, languages) for page in site.pages}


def chooser(title: str, languages: tuple[str, ...]) -> str:
    """The page above those of all languages."""
    links = "".join(f"- [{text(Words(each).text('itself'))}]({each}/index.md)\n" for each in languages)
    return f"# {text(title)}\n\n{links}"


def _page(site: Site, page: Page, languages: tuple[str, ...]) -> str:
    writer = _Writer(page)
    words = site.words
    path = file_of(page.path)
    up = "../" * page.path.count("/")
    above = [] if page.path == "index" else [f"[{text(words.text('overview'))}]({up}index.md)"]
    others = (each for each in languages if each != words.language)
    above += [f"[{text(Words(each).text('itself'))}]({up}../{each}/{path}.md)" for each in others]
    parts = [" · ".join(above), f"# {text(page.title)}", *map(writer.block, page.blocks)]
    parts.append(f"---\n\n{text(words.text('footer', version=site.version))}")
    return "\n\n".join(part for part in parts if part) + "\n"


class _Writer:
    """Writes the blocks of a page."""

    def __init__(self, page: Page) -> None:
        folder, slash, _ = file_of(page.path).rpartition("/")
        self._folder = folder if slash else "."

    def line(self, line: Line) -> str:
        return whole_line("".join(map(self._part, line)))

    def _cell(self, line: Line) -> str:
        return _BAR.sub(r"\\|", self.line(line))

    def _part(self, part: str | Code | Link) -> str:
        match part:
            case Code(shown):
                return code(shown)
            case Link(to, shown, as_code):
                label = code(shown) if as_code else text(shown)
                return f"[{label}]({relpath(file_of(to) + '.md', self._folder)})"
        return text(part)

    def block(self, block: Block) -> str:
        match block:
            case Heading(level, line, chips):
                return f"{'#' * level} {self.line(line)}" + "".join(f" ({self.line(chip)})" for chip in chips)
            case Paragraph(line):
                return self.line(line)
            case Items(lines):
                return "\n".join(f"- {self.line(line)}" for line in lines)
            case Steps(steps):
                return self._steps(steps, "")
            case Table(head, rows):
                cells = [[text(each) for each in head], ["---"] * len(head)]
                cells += [list(map(self._cell, row)) for row in rows]
                return "\n".join(f"| {' | '.join(each)} |" for each in cells)
            case Example(name, sample):
                return f"{code(name)}:\n\n{fenced(sample, 'json')}"

    def _steps(self, steps: tuple[Told, ...], indent: str) -> str:
        lines: list[str] = []
        for number, told in enumerate(steps, 1):
            lines.append(f"{indent}{number}. {self.line(sentence(told.line, ':' if told.inside else '.'))}")
            for label, inside in told.inside:
                if label is not None:
                    lines.append(f"{indent}   - {self.line(sentence(label, ':'))}")
                lines.append(self._steps(inside, f"{indent}   {'  ' if label is not None else ''}"))
        return "\n".join(lines)
