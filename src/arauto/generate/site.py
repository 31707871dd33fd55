"""The whole browsable catalogue, as files by name."""

from __future__ import annotations

from arauto.generate import html as as_html
from arauto.generate import markdown as as_markdown
from arauto.generate.pages import site
from arauto.model import Catalogue


def written_site(catalogue: Catalogue, languages: tuple[str, ...], *, html: bool) -> dict[str, str]:
    """A folder for each language, as HTML or Markdown, and above them, first, a page that leads to each."""
    writer, ending = (as_html, "html") if html else (as_markdown, "md")
    files = {f"index.{ending}": writer.chooser(catalogue.project.brand.name, languages)}
    for language in languages:
        pages = (as_html.html if html else as_markdown.markdown)(site(catalogue, language), languages)
        files |= {f"{language}/{name}": text for name, text in pages.items()}
    return files
