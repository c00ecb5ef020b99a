"""What is asked of a picture's heatmaps: the class, the method, the layer, and a class to compare with.

Each choice stands in the address, so a view is a link.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import state
from app.components import node_search, wording
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
    st.session_state[state.HEAT_SEARCH] = ""


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


# --- what the browser offers ------------------------------------------------------------------------------------------

# What an option does and with which value, then its text.
Option = tuple[str, str, str]
OF, NOT, SIBLINGS, METHOD, LAYER, SEARCH = "of", "not", "siblings", "method", "layer", "search"
ADDRESS = {OF: state.HEAT_NODE, NOT: state.HEAT_AGAINST, METHOD: state.HEAT_METHOD, LAYER: state.HEAT_LAYER}
ANOTHER = "Another class …"


def offered(
    taxonomy: Taxonomy, view: ImageView, question: HeatQuestion, layers: Mapping[str, Sequence[int]]
) -> list[dict[str, Any]]:
    """The menus of one row, as {label, options, chosen}, chosen being the place of an option; all texts are plain.

    layers: those of the model with their places, the usual one first; {} while not known.
    """
    searching = st.session_state.get(state.HEAT_SEARCH, "")
    return [
        _menu("Why", _of_options(taxonomy, view, question), (SEARCH, OF) if searching == OF else None),
        _menu("And not", _not_options(taxonomy, view, question), (SEARCH, NOT) if searching == NOT else None),
        _menu("Method", _method_options(question), None),
        _menu("Layer", _layer_options(question, layers), None),
    ]


def _menu(label: str, options: list[tuple[bool, Option]], instead: tuple[str, str] | None) -> dict[str, Any]:
    """instead: what is chosen while nothing is chosen yet: a search."""
    chosen = [place for place, (is_chosen, one) in enumerate(options) if (one[:2] == instead if instead else is_chosen)]
    return {"label": label, "options": [one for _, one in options], "chosen": chosen[0] if chosen else 0}


def _of_options(taxonomy: Taxonomy, view: ImageView, question: HeatQuestion) -> list[tuple[bool, Option]]:
    """The class that is explained: the answer, one that the model thought of too, or any other."""
    current, answer = question.nodes[-1], view.levels[-1].key if view.levels else ""
    options = [(current == answer, (OF, "", f"{_name(taxonomy, answer)}, the answer"))]
    others = _thought_of(taxonomy, view, OF, {answer}, current)
    return [*options, *others, (False, (SEARCH, OF, ANOTHER))]


def _not_options(taxonomy: Taxonomy, view: ImageView, question: HeatQuestion) -> list[tuple[bool, Option]]:
    """What the evidence is held against."""
    nothing = not question.against and not question.siblings
    options = [
        (nothing, (NOT, "", "compared with nothing")),
        (question.siblings, (SIBLINGS, ON_SIBLINGS, "each with its strongest sibling")),
    ]
    others = _thought_of(taxonomy, view, NOT, set(question.nodes) - {question.against}, question.against)
    return [*options, *others, (False, (SEARCH, NOT, ANOTHER))]


def _thought_of(
    taxonomy: Taxonomy, view: ImageView, what: str, leave_out: set[str], current: str
) -> list[tuple[bool, Option]]:
    """The other answers that the model thought of, and the current choice where it is none of them."""
    top = {key: f"{_name(taxonomy, key)}, {wording.percent(p)}" for key, p in view.prediction.top if key in taxonomy}
    if current and current not in top:
        top[current] = _name(taxonomy, current)
    return [(key == current, (what, key, text)) for key, text in top.items() if key not in leave_out]


def _method_options(question: HeatQuestion) -> list[tuple[bool, Option]]:
    known = [*HEAT_METHODS] if question.method in HEAT_METHODS else [*HEAT_METHODS, question.method]
    return [(name == question.method, (METHOD, name, METHODS.get(name, (name,))[0])) for name in known]


def _layer_options(question: HeatQuestion, layers: Mapping[str, Sequence[int]]) -> list[tuple[bool, Option]]:
    names = list(layers) or [""]
    chosen = question.layer or names[0]
    if chosen not in names:
        names.append(chosen)
    return [(name == chosen, (LAYER, name, _layer_words(name, layers.get(name)))) for name in names]


def _layer_words(name: str, grid: Sequence[int] | None) -> str:
    words = LAYERS.get(name, f"{name.partition('-')[2]} blocks before" if name else "The model's own choice")
    return f"{words} · {grid[0]} × {grid[1]} places" if grid else words


def _name(taxonomy: Taxonomy, key: str) -> str:
    return taxonomy.name(taxonomy.index(key)) if key in taxonomy else key


# --- what was chosen --------------------------------------------------------------------------------------------------


def take(what: str, value: str) -> None:
    """An option of the browser was chosen: it goes into the address, or a search begins."""
    state_of_search = value if what == SEARCH else ""
    st.session_state[state.HEAT_SEARCH] = state_of_search
    if what in (NOT, SIBLINGS):
        state.choose(state.HEAT_AGAINST, value if what == NOT else "")
        state.choose(state.HEAT_SIBLINGS, value if what == SIBLINGS else "")
    elif what in ADDRESS:
        state.choose(ADDRESS[what], value)


def show_search(taxonomy: Taxonomy) -> None:
    """The search for another class, while it is asked for."""
    what = st.session_state.get(state.HEAT_SEARCH, "")
    if what:
        label = "Search for the class to explain" if what == OF else "Search for the class to compare with"
        node_search.show(
            taxonomy, key=f"{state.HEAT_SEARCH}.{what}", label=label, on_pick=lambda node: take(what, node)
        )
