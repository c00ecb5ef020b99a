"""A picture under the graphs of a net, block beside block: patches, their heat, the strongest, and what it is
connected with. The browser fetches the graphs once; to look at another patch, class or block asks nobody.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from app import resources
from hmgc_core.records import ImageRecord

HERE = Path(__file__).parent
SCRIPTS = ["graph", "drawing", "patches"]
_COMPONENT = st.components.v2.component(
    "hmgc_patches",
    html="<div class='patches'>\n</div>",
    css=(HERE / "patches.css").read_text(),
    js="\n".join((HERE / f"{name}.js").read_text() for name in SCRIPTS),
)


@dataclass(frozen=True)
class GraphClass:
    """A class whose evidence can be shown, in the order of the question: its key, its name and how likely it is."""

    key: str
    name: str
    share: str


def show(
    image: ImageRecord,
    inspection_id: int,
    classes: Sequence[GraphClass],
    *,
    chosen: str,
    blocks: str,
    on_class: Callable[[str], None],
    on_blocks: Callable[[str], None],
) -> None:
    """Draw the graphs of an inspection. chosen: the key of a class, "" for the last; blocks: `4,8`, "" for the usual.

    `on_class` and `on_blocks` are told what was chosen in the browser, which shows it already.
    """
    key = f"patches-{inspection_id}"
    data = {
        "inspection": inspection_id,
        "image": image.id,
        "ratio": image.width / image.height,
        "size": image.width,
        "of": resources.fingerprint(),
        "classes": [asdict(one) for one in classes],
        "chosen": chosen,
        "blocks": blocks,
    }

    def chosen_class() -> None:
        on_class(str(st.session_state[key].node))

    def chosen_blocks() -> None:
        on_blocks(str(st.session_state[key].blocks))

    _COMPONENT(key=key, data=data, on_node_change=chosen_class, on_blocks_change=chosen_blocks)
