"""The demo tells of every event, what became of it, and how to go on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ARAUTO = Path(sys.executable).with_name("arauto")


def test_the_story_is_told_to_its_end_and_nothing_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [ARAUTO, "demo", "--output", str(tmp_path / "out"), "--lang", "en"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = re.split(r"\n(?=\S)", done.stdout)
    # What only ends the waiting of others has no notification of its own.
    silent = [each for each in told if re.search(r"^  \S", each, re.M) and not re.search(r"^    \S", each, re.M)]
    assert all("recovered" in each for each in silent), silent
    assert "order-ready → c-20817: inapp ✓  push ✓  waits until a message is read, or until" in done.stdout
    assert "order-shipped → c-19230: inapp ↩  email ✓  email (correction) ✓" in done.stdout
    assert (tmp_path / "out/mail/index.html").read_text(encoding="utf-8").count("<p>") == 14
