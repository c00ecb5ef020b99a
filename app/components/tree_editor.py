"""Change one class of the tree: choose what to do, see what it would do to the labels, then do it or leave it."""

from collections.abc import Callable

import streamlit as st

from app import actions, state
from app.components import edit_words, node_search
from app.components.annotator import who
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import BETWEEN_NAMES, Add, Edit, Merge, Move, Rename, Retire, Split
from hmgc_core.workflow import tree_edits
from hmgc_core.workflow.taxonomies import current_taxonomy
from hmgc_core.workflow.tree_edits import TreeEdit
from hmgc_core.workflow.workspaces import Workspace

CHOICES = {
    "add": "Add a class below",
    "rename": "Rename",
    "split": "Split",
    "move": "Move",
    "merge": "Merge into another",
    "retire": "Retire",
}
AT_THE_ROOT = ("add", "rename", "split")


@st.fragment
def show(ws: Workspace, version: int, key: str) -> None:
    """What can be done with the class `key` of this version of the tree. Nothing happens before the last button."""
    newest, taxonomy = current_taxonomy(ws)
    if newest != version or key not in taxonomy:
        st.rerun()  # somebody changed the tree: the whole page follows
    actions.show_problem(state.TREE_EDIT)
    with st.container(border=True):
        node = taxonomy.index(key)
        st.markdown(f"**Change {escape_markdown(taxonomy.name(node))}**")
        verb = st.segmented_control(
            "What to do",
            [choice for choice in CHOICES if node or choice in AT_THE_ROOT],
            format_func=CHOICES.__getitem__,
            key=_key("verb", key),
            label_visibility="collapsed",
        )
        edit = _FORMS[verb](taxonomy, node) if verb else None
        if edit is not None:
            _offer(ws, taxonomy, edit)


def _key(part: str, node_key: str) -> str:
    return f"{state.TREE_EDIT}.{part}.{st.session_state.get(state.TREE_EDIT_ROUND, 0)}.{node_key}"


def _offer(ws: Workspace, taxonomy: Taxonomy, edit: Edit) -> None:
    """What the edit would do, and the button that does it."""
    plan = actions.attempt(tree_edits.preview_edit, ws, edit)
    if isinstance(plan, HmgcError):
        st.error(actions.sentence(plan), icon=":material/error:")
        return
    show_plan(plan, taxonomy)
    st.button(
        edit_words.BUTTONS[edit.verb],
        type="primary",
        icon=":material/check:",
        on_click=_make,
        args=(ws, edit, plan.seen),
        key=f"{state.TREE_EDIT}.do",
    )


def show_plan(plan: TreeEdit, taxonomy: Taxonomy) -> None:
    """What a change would do, line by line."""
    with st.container(border=True):
        st.markdown("**What will happen**")
        st.markdown("\n".join(f"- {line}" for line in edit_words.preview(plan, taxonomy)))


def _make(ws: Workspace, edit: Edit, seen: int) -> None:
    done = actions.do(tree_edits.make_edit, ws, edit, seen=seen, by=who.current(), at=state.TREE_EDIT)
    if done is not None:
        st.session_state.pop(state.TREE_CHANGING, None)
        st.session_state[state.TREE_EDIT_ROUND] = st.session_state.get(state.TREE_EDIT_ROUND, 0) + 1
        st.session_state[state.TREE_EDITED] = done.version
        st.toast(f"{edit_words.done(done.edit)}.", icon=":material/check:")
        if isinstance(edit, (Merge, Retire)):  # the class is gone: show where its labels are
            state.choose(state.NODE, done.edit["into" if isinstance(edit, Merge) else "to"])


# --- one form for each edit; None while something is missing ----------------------------------------------------------


def _add(taxonomy: Taxonomy, node: int) -> Edit | None:
    parent = taxonomy.keys[node]
    name, synonyms, note = _texts(parent, "", (), "")
    if not name.strip():
        st.caption("Give it a name to see what will happen.")
        return None
    return Add(parent, name, synonyms=synonyms, note=note)


def _rename(taxonomy: Taxonomy, node: int) -> Edit | None:
    key = taxonomy.keys[node]
    now = taxonomy.name(node), taxonomy.synonyms(node), taxonomy.note(node)
    texts = _texts(key, *now)
    if texts == now:
        st.caption("The key stays, so every label stays with it.")
        return None
    return Rename(key, *texts)


def _texts(key: str, name: str, synonyms: tuple[str, ...], note: str) -> tuple[str, tuple[str, ...], str]:
    """Name, other names and note, as typed; filled with these at first."""
    form = "new" if not name else "old"
    typed = st.text_input("Name", name, key=_key(f"{form}.name", key), live=True)
    others = st.text_input(
        "Other names",
        f" {BETWEEN_NAMES} ".join(synonyms),
        key=_key(f"{form}.synonyms", key),
        placeholder=f"one {BETWEEN_NAMES} another",
        help="The search of annotators finds the class by these too.",
    )
    about = st.text_input("Note for annotators", note, key=_key(f"{form}.note", key))
    return typed or "", tuple(part.strip() for part in (others or "").split(BETWEEN_NAMES) if part.strip()), about or ""


def _move(taxonomy: Taxonomy, node: int) -> Edit | None:
    key = taxonomy.keys[node]
    under = _other_class(taxonomy, key, "Find the class it shall be below")
    return Move(key, under) if under else None


def _merge(taxonomy: Taxonomy, node: int) -> Edit | None:
    key = taxonomy.keys[node]
    into = _other_class(taxonomy, key, "Find the class that stays")
    return Merge(key, into) if into else None


def _retire(taxonomy: Taxonomy, node: int) -> Edit | None:
    key = taxonomy.keys[node]
    return Retire(key, _other_class(taxonomy, key, "Labels go to the class above; or find another"))


def _other_class(taxonomy: Taxonomy, key: str, label: str) -> str:
    """The key of the class that was picked, "" while there is none."""
    picked = _key("picked", key)

    def pick(other: str) -> None:
        st.session_state[picked] = other

    node_search.show(taxonomy, key=_key("search", key), label=label, on_pick=pick, outside=key)
    other = str(st.session_state.get(picked, ""))
    if other not in taxonomy:
        return ""
    above = [taxonomy.name(i) for i in taxonomy.path(taxonomy.index(other))] or [taxonomy.name(0)]
    st.caption("Chosen: " + " › ".join(escape_markdown(name) for name in above))
    return other


def _split(taxonomy: Taxonomy, node: int) -> Edit | None:
    key = taxonomy.keys[node]
    typed = st.text_area("The new classes, one on each line", key=_key("children", key), height=120) or ""
    names = tuple(line.strip() for line in typed.splitlines() if line.strip())
    return Split(key, names) if names else None


_FORMS: dict[str, Callable[[Taxonomy, int], Edit | None]] = {
    "add": _add,
    "rename": _rename,
    "split": _split,
    "move": _move,
    "merge": _merge,
    "retire": _retire,
}
