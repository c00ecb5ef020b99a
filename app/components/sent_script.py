"""Scripts and styles of a component as one text that a route sends: once for each browser, and not with every page.

Streamlit sends a component's own script along with each message of it; of a gallery that is turned page by page that
would be most of what travels. Knows no Streamlit: the route needs none of it.
"""

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# What travels instead. A call that is overtaken by another one, for the same place, closes nothing: Streamlit may end
# the first after it has begun the second.
LOADER = """
const parts = import(location.origin + "/api/scripts/%s")
const turns = new WeakMap()
export default (part) => {
  const place = part.parentElement, turn = {}, isNew = !turns.has(place)
  turns.set(place, turn)
  parts.then((it) => it.%s(part), () => isNew && place.append("This could not be loaded. Reload the page."))
  return () => turns.get(place) === turn && parts.then((it) => it.%s(part), () => {})
}
"""


@dataclass(frozen=True)
class SentScript:
    """kind: the first word of its name. scripts, styles: the files, joined in this order."""

    kind: str
    scripts: Sequence[Path]
    styles: Sequence[Path]

    @cached_property
    def text(self) -> bytes:
        """All scripts, UTF-8; the styles as a constant STYLE before them."""
        styles, scripts = (
            "\n".join(file.read_text(encoding="utf-8") for file in files) for files in (self.styles, self.scripts)
        )
        return f"const STYLE = {json.dumps(styles, ensure_ascii=False)};\n{scripts}".encode()

    @cached_property
    def packed(self) -> bytes:
        """`text`, compressed."""
        return gzip.compress(self.text, mtime=0)

    @cached_property
    def name(self) -> str:
        """What the script is called in its address: another one for another content."""
        return f"{self.kind}-{hashlib.sha256(self.text).hexdigest()[:12]}.js"

    def loader(self, show: str = "show", close: str = "close") -> str:
        """The component's own script: it fetches this one, and calls its exports `show(part)` and `close(part)`."""
        return LOADER % (self.name, show, close)
