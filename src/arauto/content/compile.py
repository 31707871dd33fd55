"""A content file, compiled: its text checked, its tree built once for each shape that it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from arauto.content.front import Front, Reader, read_content
from arauto.content.holes import authored_url, whole_url
from arauto.content.markdown import IMAGE_HINT, LOCAL_IMAGE, parse, problems
from arauto.content.shapes import Shapes
from arauto.content.tree import Action, Content, Paragraph, Picture, Words
from arauto.errors import Diagnostic, TextFaulty
from arauto.language import SEPARATOR, Outline, Part, compile_text, faults, outline

Layout = TypeVar("Layout")


def _any(name: str) -> None:
    """Takes every image."""


def compile_content(
    file: str,
    text: str,
    locale: str,
    lay_out: Callable[[Content], Layout],
    check_image: Callable[[str], object] = _any,
) -> Shapes[Layout]:
    """A content file (front matter and Markdown), laid out by the channel's ``lay_out``.

    ``check_image`` is given the name of each image beside the text, and raises ValueError where it cannot be used.
    Raises TextFaulty with every fault and its place.
    """
    front, parts = _checked(file, text, locale, check_image)
    names = tuple(front.texts)
    acknowledging = [action.acknowledges for action in front.actions]

    def build(skeleton: str, dead: frozenset[int]) -> tuple[Layout, set[int]]:
        content, links = _content(skeleton.split(SEPARATOR), names, acknowledging, dead)
        return lay_out(content), links

    labels = ["label", "url"] * len(front.actions)
    return Shapes(file, compile_text(parts, locale), build, ("body", *names, *labels))


def _checked(file: str, text: str, locale: str, check_image: Callable[[str], object]) -> tuple[Front, list[Part]]:
    """A content file without faults, and its parts. Raises TextFaulty."""
    sound = _sound(file, text, locale)
    if sound is not None:
        front, parts, images = sound
        try:
            for name in images:
                check_image(name)
        except ValueError:
            pass  # it is told with its place below
        else:
            return front, parts
    return _check(file, text, locale, check_image)


@lru_cache(maxsize=16)
def _sound(file: str, text: str, locale: str) -> tuple[Front, list[Part], tuple[str, ...]] | None:
    """A content file, its parts and its images, where nothing but these could be faulty. Channels that share a file
    ask one after another."""
    images: list[str] = []
    try:
        front, parts = _check(file, text, locale, images.append)
    except TextFaulty:
        return None
    return front, parts, tuple(dict.fromkeys(images))


def _check(file: str, text: str, locale: str, check_image: Callable[[str], object]) -> tuple[Front, list[Part]]:
    reader = Reader(file)
    front, found = read_content(file, text)
    parts = [front.body, *front.texts.values(), *(part for action in front.actions for part in action[:2])]
    reader.faults += [*found, *language_faults(file, parts, locale)]
    reader.check()
    reader.faults += [*_url_faults(file, front, check_image), *_markdown_faults(file, front.body, check_image)]
    reader.check()
    return front, parts


def language_faults(file: str, parts: Sequence[Part], locale: str) -> list[Diagnostic]:
    """What is wrong with the language in these parts of a file."""
    return [
        Diagnostic(file, error.line, error.column, "bad-expression", error.message, error.hint)
        for part in parts
        for error in faults(part, locale)
    ]


def part_fault(file: str, part: Part, at: int, code: str, message: str, hint: str | None = None) -> Diagnostic:
    """The fault at this offset of a part."""
    error = part.error(at, message, hint)
    return Diagnostic(file, error.line, error.column, code, message, hint)


def _url_faults(file: str, front: Front, check_image: Callable[[str], object]) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for _, url, _ in front.actions:
        if authored_url(outline(url).skeleton.strip()) is None:
            hint = "begin it with https://, mailto: or tel:, or let one value be all of it"
            found.append(part_fault(file, url, 0, "bad-link", "this is not a link that works everywhere", hint))
    image = front.texts.get("image")
    if image is not None:
        drawn = outline(image).skeleton
        if _picture(drawn, "") is None:
            message, hint = "this is not an image that can be sent", IMAGE_HINT
            found.append(part_fault(file, image, 0, "bad-image", message, hint))
        elif LOCAL_IMAGE.fullmatch(drawn):
            try:
                check_image(drawn)
            except ValueError as error:
                found.append(part_fault(file, image, 0, "bad-image", str(error), IMAGE_HINT))
    return found


def _markdown_faults(file: str, body: Part, check_image: Callable[[str], object]) -> list[Diagnostic]:
    drawn = outline(body)
    found: list[Diagnostic] = []
    for problem, line in problems(drawn.skeleton, check_image):
        at = drawn.origin(_find(drawn, problem.words, line))
        found.append(part_fault(file, body, at, problem.code, problem.message, problem.hint))
    return found


def _find(drawn: Outline, words: str, line: int) -> int:
    """Where words stand in an outline, at or after the beginning of a line (from 0)."""
    start = 0
    for _ in range(line):
        start = drawn.skeleton.index("\n", start) + 1
    return max(drawn.skeleton.find(words, start), start)


def _content(
    pieces: list[str], names: Sequence[str], acknowledging: Sequence[bool], dead: frozenset[int]
) -> tuple[Content, set[int]]:
    """The tree of a skeleton's pieces: the body, the texts of the front matter by name, labels and URLs in turn."""
    blocks, links = parse(pieces[0], dead)
    texts = {name: " ".join(piece.split()) for name, piece in zip(names, pieces[1:], strict=False)}
    rest = [" ".join(piece.split()) for piece in pieces[1 + len(names) :]]
    actions: list[Action] = []
    extra: list[Paragraph] = []
    for label, written, acknowledges in zip(rest[::2], rest[1::2], acknowledging, strict=True):
        url = authored_url(written)
        number = whole_url(url) if url else None
        if number is not None:
            links.add(number)
        if url is not None and number not in dead:
            actions.append(Action(label, url, acknowledges))
        elif not acknowledges:
            extra.append(Paragraph((Words(f"{label}: {written}"),)))
    picture = _picture(texts["image"], texts["image_alt"]) if "image" in texts else None
    number = whole_url(picture.source) if picture else None
    if number is not None:
        links.add(number)
        picture = None if number in dead else picture
    content = Content(
        title=texts["title"],
        preview=texts.get("preview"),
        image=picture,
        blocks=(*blocks, *extra),
        actions=tuple(actions),
    )
    return content, links


def _picture(source: str, alt: str) -> Picture | None:
    if LOCAL_IMAGE.fullmatch(source):
        return Picture(source, alt, local=True)
    url = authored_url(source)
    return Picture(url, alt) if url is not None and not url.lower().startswith(("mailto:", "tel:")) else None
