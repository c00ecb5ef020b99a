"""Paths as people give them, on a page or by command. Looks at no disk."""

import os
from pathlib import Path


def given_path(path: str | Path) -> Path:
    """The path with `~` led to a home folder; as it is where nobody has that name, so that it is simply not found."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser fails for a user who is not there
