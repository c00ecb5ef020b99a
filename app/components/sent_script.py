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

# What travels instead, as short as it can be: a gallery of 60 pictures is hardly longer than this.
LOADER = """\
let said
const it = import(location.origin + "/api/scripts/%s")
export default p => (it.then(m => m.begin(p), () => said ||= !p.parentElement.append("Not loaded: reload the page.")),
() => it.then(m => m.end(p)))
"""
# A call that is overtaken by another one, for the same place, closes nothing: Streamlit may end the first after it has
# begun the second.
TURNS = """
const TURNS = new WeakMap();

export function begin(part) {
  TURNS.set(part.parentElement, part);
  show(part);
}

export function end(part) {
  if (TURNS.get(part.parentElement) === part) close(part);
}
"""


@dataclass(frozen=True)
class SentScript:
    """kind: the first word of its name. scripts, styles: the files, joined in this order.

    The scripts define `show(part)` and `close(part)`, for what Streamlit gives a component at each call and at its end.
    """

    kind: str
    scripts: Sequence[Path]
    styles: Sequence[Path]

    @cached_property
    def text(self) -> bytes:
        """All scripts, UTF-8; the styles as a constant STYLE before them, and what the loader calls after them."""
        styles, scripts = (
            "\n".join(file.read_text(encoding="utf-8") for file in files) for files in (self.styles, self.scripts)
        )
        return f"const STYLE = {json.dumps(styles, ensure_ascii=False)};\n{scripts}\n{TURNS}".encode()

    @cached_property
    def packed(self) -> bytes:
        """`text`, compressed."""
        return gzip.compress(self.text, mtime=0)

    @cached_property
    def name(self) -> str:
        """What the script is called in its address: another one for another content."""
        return f"{self.kind}-{hashlib.sha256(self.text).hexdigest()[:12]}.js"

    def loader(self) -> str:
        """The component's own script: it fetches this one, and begins and ends it."""
        return LOADER % self.name
