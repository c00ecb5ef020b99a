"""Find a class by typing a part of its name. Searched on the server: the page never gets more than a few matches."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from app import resources
from app.security import escape_markdown
from hmgc_core.taxonomy import Taxonomy

MOST_MATCHES = 20


def show(taxonomy: Taxonomy, *, key: str, label: str, on_pick: Callable[[str], None], outside: str = "") -> None:
    """A search box, and a button per match while something is typed; `on_pick` gets the key of the class.

    outside: a class that is not offered, nor what lies below it.
    """
    typed = st.text_input(
        label,
        key=key,
        type="search",
        live=True,
        placeholder=label,
        label_visibility="collapsed",
        icon=":material/search:",
    )
    if not typed or not typed.strip():
        return
    found = matches(taxonomy, typed, outside=outside)
    if not found:
        barred = matches(taxonomy, typed, most=1) if outside else []
        st.caption(_why_barred(taxonomy, barred[0], outside) if barred else "No class has a name like this.")
    with st.container(horizontal=True, gap="xsmall"):
        for node in found[:MOST_MATCHES]:
            st.button(
                _with_parent(taxonomy, node),
                key=f"{key}-{taxonomy.keys[node]}",
                on_click=_pick,
                args=(key, on_pick, taxonomy.keys[node]),
            )
    if len(found) > MOST_MATCHES:
        st.caption("There are more: type a longer part of the name.")


def _why_barred(taxonomy: Taxonomy, node: int, outside: str) -> str:
    name, top = (escape_markdown(taxonomy.name(n)) for n in (node, taxonomy.index(outside)))
    if taxonomy.keys[node] == outside:
        return f"{name} is this class itself: choose a class outside of it."
    return f"{name} lies below {top}: choose a class outside of it."


def _pick(key: str, on_pick: Callable[[str], None], node: str) -> None:
    st.session_state[key] = ""
    on_pick(node)


def _with_parent(taxonomy: Taxonomy, node: int) -> str:
    """The name, and beside it that of the class above: several classes may have one name."""
    name, parent = escape_markdown(taxonomy.name(node)), int(taxonomy.parents[node])
    return f"{name} :gray[in {escape_markdown(taxonomy.name(parent))}]" if parent > 0 else name


def matches(taxonomy: Taxonomy, typed: str, *, most: int = MOST_MATCHES + 1, outside: str = "") -> list[int]:
    """Nodes whose name, key or synonym holds what was typed: the same name first, then names that start with it."""
    wanted = " ".join(typed.casefold().split())
    if not wanted:
        return []
    nodes = np.arange(len(taxonomy))
    barred = taxonomy.is_at_or_below(nodes, taxonomy.index(outside) if outside else -1)
    ranked = []
    for node, text in enumerate(resources.searchable(taxonomy)):
        if wanted in text and not barred[node]:
            name = taxonomy.name(node).casefold()
            rank = 0 if name == wanted else 1 if name.startswith(wanted) else 2 if wanted in name else 3
            ranked.append((rank, len(name), node))
    return [node for _, _, node in sorted(ranked)[:most]]
