"""What is asked of a picture's heatmaps: the class, the method, the layer, and a class to compare with.

Each choice stands in the address, so a view is a link.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import streamlit as st

from app import state
from app.components import node_search, wording
from app.security import escape_markdown
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.seeing import ImageView
from hmgc_core.workflow.why import HEAT_METHODS, USUAL_METHOD, HeatQuestion

# name, and what people should know of its maps
METHODS = {
    "grad-cam": ("Grad-CAM", "Bright is what speaks for the class. Quick, and a good first look."),
    "layer-cam": (
        "Layer-CAM",
        "Bright is what speaks for the class, place by place: sharper than Grad-CAM on earlier blocks.",
    ),
    "hires-cam": (
        "HiRes-CAM",
        "Bright is what each place itself adds to the score of the class: strict, with fewer places.",
    ),
    "eigen-cam": (
        "Eigen-CAM",
        "Bright is what stands out to the model most. It knows no class: it cannot say what speaks for which.",
    ),
    "score-cam": (
        "Score-CAM (slow)",
        "Bright is what the model still knows the class by when the rest is masked. It takes hundreds of looks at the "
        "picture, so the worker makes it.",
    ),
}
LAYERS = {
    "levels": "Each level's own block",
    "last": "Last block",
    "last-1": "One block before",
    "last-2": "Two before",
}
ON_SIBLINGS = "yes"
KEYS = (state.HEAT_NODE, state.HEAT_METHOD, state.HEAT_LAYER, state.HEAT_AGAINST, state.HEAT_SIBLINGS)


def forget() -> None:
    """Take every choice back."""
    for key in KEYS:
        state.choose(key, "")


def wanted(taxonomy: Taxonomy, view: ImageView) -> HeatQuestion:
    """What the address asks for; without it, the levels of the answer. Classes that the tree lacks stay as they are."""
    of = state.chosen(state.HEAT_NODE)
    levels = [level.key for level in view.levels]
    nodes = (taxonomy.path_keys(taxonomy.index(of)) if of in taxonomy else [of]) if of else levels
    against = state.chosen(state.HEAT_AGAINST)
    return HeatQuestion(
        nodes=tuple(nodes or levels),
        method=state.chosen(state.HEAT_METHOD) or USUAL_METHOD,
        layer=state.chosen(state.HEAT_LAYER),
        against=against,
        siblings=not against and state.chosen(state.HEAT_SIBLINGS) == ON_SIBLINGS,
    )


def show(taxonomy: Taxonomy, view: ImageView, question: HeatQuestion, layers: Mapping[str, Sequence[int]]) -> None:
    """The choices in one row. layers: those of the model with their places, the usual one first; {} while not known."""
    of, held, method, layer = st.columns([3, 3, 2, 3], vertical_alignment="bottom")
    with of, st.container(gap="xxsmall"):
        _class_menu(taxonomy, view, question)
    with held, st.container(gap="xxsmall"):
        _other_menu(taxonomy, view, question)
    with method:
        known = [*HEAT_METHODS] if question.method in HEAT_METHODS else [*HEAT_METHODS, question.method]
        _select("Method", state.HEAT_METHOD, known, question.method, lambda name: METHODS.get(name, (name,))[0])
    with layer:
        usual = next(iter(layers), "")
        names = list(layers) or [question.layer]
        chosen = question.layer or usual
        if chosen not in names:
            names.append(chosen)
        _select("Layer", state.HEAT_LAYER, names, chosen, lambda name: _layer_words(name, layers.get(name)))


def _layer_words(name: str, grid: Sequence[int] | None) -> str:
    words = LAYERS.get(name, f"{name.partition('-')[2]} blocks before" if name else "The model's own choice")
    return f"{words} · {grid[0]} × {grid[1]} places" if grid else words


def _select(label: str, key: str, options: list[str], current: str, words: Callable[[str], str]) -> None:
    control = f"{key}.control"
    if st.session_state.get(control) != current:
        st.session_state[control] = current
    st.selectbox(label, options, key=control, format_func=words, on_change=_take, args=(key, control))


def _take(key: str, control: str) -> None:
    state.choose(key, st.session_state[control])


# --- classes ----------------------------------------------------------------------------------------------------------


def _class_menu(taxonomy: Taxonomy, view: ImageView, question: HeatQuestion) -> None:
    """The class that is explained: the answer, one that the model thought of too, or any other."""
    current, answer = question.nodes[-1], view.levels[-1].key if view.levels else ""
    _label("Why")
    said = f"{_name(taxonomy, current)} :gray[the answer]" if current == answer else _name(taxonomy, current)
    with st.popover(said, icon=":material/center_focus_strong:", width="stretch"):
        _pick_button(f"The answer: {_name(taxonomy, answer)}", state.HEAT_NODE, "", is_chosen=current == answer)
        _others(taxonomy, view, state.HEAT_NODE, leave_out={answer}, current=current)


def _other_menu(taxonomy: Taxonomy, view: ImageView, question: HeatQuestion) -> None:
    """The class that the evidence is held against."""
    _label("And not")
    said = "its strongest sibling" if question.siblings else _name(taxonomy, question.against) or "compare with a class"
    with st.popover(said, icon=":material/compare_arrows:", width="stretch"):
        nothing = not question.against and not question.siblings
        st.button("Compare with nothing", type=_type(nothing), on_click=_compare, args=("", ""), key="heat-nothing")
        st.button(
            "Each with its strongest sibling",
            type=_type(question.siblings),
            on_click=_compare,
            args=("", ON_SIBLINGS),
            key="heat-siblings",
        )
        leave_out = set(question.nodes)
        _others(taxonomy, view, state.HEAT_AGAINST, leave_out=leave_out, current=question.against)


def _others(taxonomy: Taxonomy, view: ImageView, key: str, *, leave_out: set[str], current: str) -> None:
    """The other answers that the model thought of, and a search among all classes."""
    for other, share in view.prediction.top:
        if other not in leave_out and other in taxonomy:
            text = f"{_name(taxonomy, other)} · {wording.percent(share)}"
            _pick_button(text, key, other, is_chosen=other == current)
    node_search.show(taxonomy, key=f"{key}.search", label="Another class", on_pick=lambda node: _pick(key, node))


def _pick_button(text: str, key: str, node: str, *, is_chosen: bool) -> None:
    st.button(text, key=f"{key}.pick.{node}", type=_type(is_chosen), on_click=_pick, args=(key, node))


def _label(text: str) -> None:
    """Above a menu, as Streamlit sets the label of a field."""
    st.markdown(f":small[{text}]")


def _type(is_chosen: bool) -> Literal["primary", "secondary"]:
    return "primary" if is_chosen else "secondary"


def _pick(key: str, node: str) -> None:
    state.choose(key, node)
    if key == state.HEAT_AGAINST:
        state.choose(state.HEAT_SIBLINGS, "")


def _compare(node: str, siblings: str) -> None:
    state.choose(state.HEAT_AGAINST, node)
    state.choose(state.HEAT_SIBLINGS, siblings)


def _name(taxonomy: Taxonomy, key: str) -> str:
    return escape_markdown(taxonomy.name(taxonomy.index(key)) if key in taxonomy else key)
