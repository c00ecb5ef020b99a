"""The map's scripts and styles as one text, sent by a route once for each browser. Knows no Streamlit."""

import functools
import gzip
import hashlib
import json
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("points", "camera", "paint", "lasso", "card", "legend", "hands", "picture_map")


@functools.cache
def text() -> bytes:
    """All parts in their order, UTF-8; the style as a constant STYLE before them. Exports `show` and `close`."""
    style = json.dumps((HERE / "picture_map.css").read_text(encoding="utf-8"), ensure_ascii=False)
    scripts = [(HERE / f"{part}.js").read_text(encoding="utf-8") for part in PARTS]
    return "\n".join([f"const STYLE = {style}", *scripts]).encode()


@functools.cache
def packed() -> bytes:
    """`text`, compressed."""
    return gzip.compress(text(), mtime=0)


@functools.cache
def name() -> str:
    """What the script is called in its address: another one for another content."""
    return f"map-{hashlib.sha256(text()).hexdigest()[:12]}.js"
