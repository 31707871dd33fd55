"""A large project to compile: the example shop, again and again under other names and with other words."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

SHOP = Path(__file__).parent.parent / "examples/loja"


def write_project(folder: Path, size: int) -> None:
    """Make the folder: the shop, and of its notifications and event types as many more as it takes until there are
    ``size`` notifications. No two texts are alike."""
    shutil.copytree(SHOP, folder)
    types = [path.name.removesuffix(".yaml") for path in sorted((SHOP / "events").iterdir())]
    name = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, types))})(?![\w.])")
    notifications = sorted(path for path in (SHOP / "notifications").iterdir() if path.is_dir())
    for number in range(len(notifications), size):
        copy, which = divmod(number, len(notifications))
        place = folder / "notifications" / f"{notifications[which].name}-{copy}"
        shutil.copytree(notifications[which], place)
        for path in place.iterdir():
            if path.suffix != ".png":
                path.write_text(_changed(path, name, copy))
    for copy in range(1, -(-size // len(notifications))):
        for type_ in types:
            shutil.copy(SHOP / "events" / f"{type_}.yaml", folder / "events" / f"{type_}.{copy}.yaml")


def _changed(path: Path, types: re.Pattern[str], copy: int) -> str:
    text = path.read_text()
    match path.suffix:
        case ".yaml":
            return types.sub(rf"\1.{copy}", text)
        case ".md":
            return f"{text}\n\n({copy})\n"
        case ".mjml":
            return text.replace("<mj-title>", f"<mj-title>{copy} ")
        case ".txt":
            return f"{text.rstrip()} {copy}\n"
        case _:
            return types.sub(rf"\1.{copy}", text) + " " * copy
