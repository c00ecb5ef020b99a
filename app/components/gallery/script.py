"""The gallery's scripts and styles as one text: sent by a route, once for each browser, and not with every page.

Streamlit sends a component's own script along with each message of it; of a gallery that is turned page by page that
would be most of what travels. Knows no Streamlit: the route needs none of it.
"""

import functools
import gzip
import hashlib
import json
from pathlib import Path

HERE = Path(__file__).parent
ANNOTATOR = HERE.parent / "annotator"
MARK_BAR = HERE.parent / "mark_bar" / "mark_bar"  # it comes with each page of the gallery, so it travels as lightly
SHARED = ["api", "elements", "typos", "tree", "messages", "memory"]
PARTS = [
    "marks",
    "cards",
    "near",
    "touch",
    "lasso",
    "pointing",
    "thumbnails",
    "picker",
    "acts",
    "sheets",
    "bar",
    "wall",
    "gallery",
]
STYLES = ["gallery", "near", "bar", "sheets"]


@functools.cache
def text() -> bytes:
    """All parts in their order, UTF-8; the styles as a constant STYLE before them. Exports `show` and `nameMark`."""
    sheets = [*(HERE / f"{part}.css" for part in STYLES), MARK_BAR.with_suffix(".css")]
    styles = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    files = [*(ANNOTATOR / f"{part}.js" for part in SHARED), *(HERE / f"{part}.js" for part in PARTS)]
    files.append(MARK_BAR.with_suffix(".js"))
    scripts = [file.read_text(encoding="utf-8") for file in files]
    return "\n".join([f"const STYLE = {json.dumps(styles, ensure_ascii=False)};", *scripts]).encode()


@functools.cache
def packed() -> bytes:
    """`text`, compressed."""
    return gzip.compress(text(), mtime=0)


@functools.cache
def name() -> str:
    """What the script is called in its address: another one for another content."""
    return f"gallery-{hashlib.sha256(text()).hexdigest()[:12]}.js"
