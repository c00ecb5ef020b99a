"""Mount the map on a page: points and colours come from our own routes, the legend and what is chosen from here."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from app import resources, security, state
from app.components.charts import TEAL
from app.components.picture_map.script import SCRIPT
from hmgc_core.workflow.map_colours import Tone

HERE = Path(__file__).parent
# All of the script comes by a route, once: with each colour and each line travels no more than its loader.
_COMPONENT = st.components.v2.component(
    "hmgc_picture_map",
    html=(HERE / "picture_map.html").read_text(encoding="utf-8"),
    js=SCRIPT.loader(),
)

# Told apart on white and on black, by neighbours in the list also without red and green.
CLASSES = (
    "#14a394", "#4c7bd9", "#d98a2b", "#c2559d", "#6b9e3f", "#7a68d8",
    "#d6493f", "#2ba3d4", "#a0713a", "#9aa51f", "#e07fa8", "#5b6b8c",
)  # fmt: skip
STEPS = ("#c2410c", "#e08a2e", "#c9a227", "#7fae4a", "#2fa37c", "#0f7f8c")
OTHERS = {
    "others": "#7d8792",
    "coarser": "#b59f7c",
    "none": "#949ea8",
    "right": TEAL,
    "wrong": "#d6493f",
    "wrong below": "#e0952e",
    "finest": TEAL,
}
GREY = ("others", "none")


@dataclass(frozen=True)
class Chosen:
    """What somebody drew a line around. corners: x, y, x, y, … in map units; only: rows of the legend, () for all."""

    corners: tuple[int, ...]
    only: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """By what the points are coloured. ways, levels: what there is to choose from, value and name; levels may be ()."""

    ways: Sequence[tuple[str, str]]
    by: str
    levels: Sequence[tuple[str, str]]
    level: str


def show(
    task: int,
    colours: str,
    tones: Sequence[Tone],
    *,
    choice: Choice,
    on_colour: Callable[[str, str], None],
    chosen: Chosen | None,
    on_open: Callable[[int], None],
    on_choose: Callable[[Chosen], None],
) -> None:
    """Draw the map that a task made; what is done there is told before the page runs again.

    colours: the name that `map_colours.leave_codes` gave. on_colour: gets a way and a level, "" where there is none.
    """
    key = f"map-{task}"

    def opened() -> None:
        on_open(int(st.session_state[key].opened))

    def lassoed() -> None:
        said = st.session_state[key].lasso
        on_choose(Chosen(tuple(map(int, said["corners"])), tuple(map(int, said["only"]))))

    def coloured() -> None:
        said = st.session_state[key].colour
        on_colour(str(said["by"]), str(said["level"]))

    of = resources.fingerprint()
    data = {
        "task": task,
        "of": of,
        "token": _token(),
        "points": f"/api/maps/{task}/points?of={of}",
        "colours": f"/api/maps/{task}/colours/{colours}?of={of}",
        **asdict(choice),
        "tones": [_tone(tone) for tone in tones],
        "lasso": list(chosen.corners) if chosen else [],
        "only": list(chosen.only) if chosen else [],
    }
    _COMPONENT(key=key, data=data, on_opened_change=opened, on_lasso_change=lassoed, on_colour_change=coloured)


def _token() -> str:
    """Lets the map ask what people say of a picture; the same for the whole session, so that nothing is sent twice."""
    if state.MAP_SIGNATURE not in st.session_state:
        st.session_state[state.MAP_SIGNATURE] = security.sign(resources.workspace().secret(), "map")
    return str(st.session_state[state.MAP_SIGNATURE])


def _tone(tone: Tone) -> dict[str, object]:
    return {"name": tone.name, "count": tone.count, "colour": colour_of(tone), "grey": tone.role in GREY}


def colour_of(tone: Tone) -> str:
    """The colour of a row of the legend."""
    if tone.role == "class":
        return CLASSES[tone.place % len(CLASSES)]
    return STEPS[tone.place] if tone.role == "step" else OTHERS[tone.role]
