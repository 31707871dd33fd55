"""How commands reach a hub: the session file of a hub that runs on the project here, or a URL and a key."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

import typer

from arauto.cli import Failed

if TYPE_CHECKING:
    from rich.console import Console

STATE_FOLDER = ".arauto"
SESSION_FILE = "session.json"
DATABASE_FILE = "hub.sqlite3"
_PIECE = 64 * 1024
_UNBROKEN = 10_000

ProjectOption = Annotated[
    Path, typer.Option("--project", "-C", help="The project folder, whose running hub is asked.", show_default=False)
]
UrlOption = Annotated[
    str | None, typer.Option("--url", envvar="ARAUTO_URL", help="A hub's address, instead of the one that runs here.")
]
KeyOption = Annotated[
    str | None, typer.Option("--key", envvar="ARAUTO_KEY", help="An API key for it.", show_envvar=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(frozen=True, slots=True)
class HubCall:
    """A hub that can be called."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"HubCall({self.url!r})"

    def get(self, *path: str, **query: str | int | None) -> Any:
        """The JSON of a GET. Raises Failed."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", _join(path) + (f"?{urlencode(asked)}" if asked else ""))

    def pages(self, *path: str, limit: int, **query: str | None) -> Iterator[dict[str, Any]]:
        """The items of a listing, page after page, at most ``limit``."""
        after: str | None = None
        while limit > 0:
            page = self.get(*path, after=after, limit=min(limit, 500), **query)
            yield from page["items"]
            limit -= len(page["items"])
            after = page["next"]
            if after is None:
                return

    def stream(self, *path: str) -> Iterator[bytes]:
        """The body of a GET, piece by piece. Raises Failed."""
        connection = self._connection()
        try:
            connection.request("GET", self._path(_join(path)), headers={"Authorization": f"Bearer {self.key}"})
            response = connection.getresponse()
            if response.status >= 300:
                raise _failed(response.status, response.read())
            while piece := response.read(_PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"the hub at {self.url} did not answer to the end: {error}", 5) from None
        finally:
            connection.close()

    def delete(self, *path: str) -> None:
        """A DELETE. Raises Failed."""
        self.call("DELETE", _join(path))

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Make one call; the JSON of its answer. Raises Failed with the hub's own words."""
        connection = self._connection()
        sent = None if body is None else json.dumps(body).encode()
        told = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **(headers or {})}
        try:
            connection.request(method, self._path(path), sent, told)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"no hub answers at {self.url}: {error}; start one with: arauto serve", 5) from None
        finally:
            connection.close()
        if response.status < 300:
            return json.loads(text) if text else None
        raise _failed(response.status, text)

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.netloc, timeout=30)

    def _path(self, path: str) -> str:
        return urlsplit(self.url).path.rstrip("/") + path


def connect(project: Path, url: str | None, key: str | None) -> HubCall:
    """The hub that was named, or the one that runs on this project. Raises Failed, which says how to get one."""
    if url is not None:
        if key is None:
            raise Failed("give a key for the hub: --key or ARAUTO_KEY; 'arauto keys create NAME' makes one", 2)
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise Failed("the key is none: give one as 'arauto keys create' showed it (arauto_…)", 2)
        return HubCall(_checked(url), key)
    session = read_session(project)
    if session is None:
        raise Failed(
            f"no hub runs on {project.resolve()}; start one with: arauto serve {project}\n"
            "(or name the project with --project, or a hub elsewhere with --url and --key)",
            5,
        )
    return session


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        ok = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and url.isprintable()
    except ValueError:
        ok = False
    if not ok or "@" in parts.netloc or parts.query or parts.fragment or " " in url:
        raise Failed("--url is no address of a hub; write one such as http://127.0.0.1:8700", 2)
    return url


def read_session(project: Path) -> HubCall | None:
    """The session of the hub that runs on this project, if one does."""
    try:
        told = json.loads((project / STATE_FOLDER / SESSION_FILE).read_text(encoding="utf-8"))
        os.kill(told["pid"], 0)
        return HubCall(told["url"], told["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def session_file(folder: Path, url: str, key: str) -> Iterator[None]:
    """While the block runs, commands on this machine find the hub; only this user can read the file."""
    path = folder / SESSION_FILE
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"url": url, "key": key, "pid": os.getpid()}, file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def state_folder(project: Path) -> Path:
    """The folder for the hub's own files in a project, made when it is missing and kept out of version control."""
    folder = project / STATE_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def console() -> Console:
    """Where to draw: as wide as the terminal; in a pipe, no line is broken, so that grep finds it whole."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _UNBROKEN)


def _join(path: tuple[str, ...]) -> str:
    return "/" + "/".join(quote(part, safe="", errors="replace") for part in path)


def _failed(status: int, text: bytes) -> Failed:
    code = 4 if status == 404 else 5 if status == 503 else 1
    try:
        problem = json.loads(text)
        faults = "".join(
            "\n  " + ": ".join(filter(None, (error.get("pointer"), error.get("detail"))))
            for error in problem.get("errors") or ()
        )
        said = f"{problem['detail']} ({status} {problem['code']}){faults}"
        return Failed(said, code, problem.get("errors") or ())
    except (ValueError, KeyError, TypeError, AttributeError):
        return Failed(f"the hub answered {status}", code)
