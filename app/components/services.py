"""Whether the worker and the inspector are running, in plain words, and what to do where they are not."""

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Helper:
    """One process beside the app. does: what it is for; without: what people miss while it is away."""

    does: str
    without: str


HELPERS = {
    "worker": Helper("trains models and does what takes long", "trainings and all that takes long wait"),
    "inspector": Helper(
        "answers questions about one picture: where a model looked, what it connected",
        "new heatmaps and other answers about a picture wait",
    ),
}


def show(states: dict[str, bool]) -> None:
    """One line per helper; what is missing and what to do where one is away."""
    for name, there in states.items():
        helper = HELPERS[name]
        badge = ":green-badge[:material/check: running]" if there else ":orange-badge[:material/power_off: not running]"
        st.markdown(f"{badge} The **{name}** {helper.does}.")
    away = [name for name, there in states.items() if not there]
    if away:
        missing = " and ".join(HELPERS[name].without for name in away)
        commands = " and ".join(f"`hmgc {name}`" for name in away)
        st.caption(f"Meanwhile {missing}. Start in a terminal: {commands}, or `make run` for everything.")


def show_if_away(states: dict[str, bool], name: str) -> None:
    """A notice with its remedy, only where the helper is not running."""
    if not states[name]:
        st.warning(
            f"The {name} is not running: {HELPERS[name].without}. "
            f"Start it in a terminal: `hmgc {name}`, or `make run` for everything.",
            icon=":material/power_off:",
        )
