"""The lines that finished trainings leave, one each, as they arrive; several processes may write at once."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any


def read(path: Path) -> dict[str, dict[str, Any]]:
    """id -> line. Of several with one id the last counts, but an error never replaces a result.

    A line that was cut off by a crash is skipped: its training is done again.
    """
    lines: dict[str, dict[str, Any]] = {}
    if not path.exists():
        return lines
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
            known = lines.get(line["id"])
        except (ValueError, KeyError, TypeError):
            continue
        if known is None or "error" in known or "error" not in line:
            lines[line["id"]] = line
    return lines


def append(path: Path, line: dict[str, Any]) -> None:
    """Add one line, on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        cut_off = _ends_within_a_line(file.fileno())
        file.write(b"\n" * cut_off + json.dumps(line, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _ends_within_a_line(file: int) -> bool:
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"
