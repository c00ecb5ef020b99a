"""A new search for good settings: the training as on the form beside it, what to vary, and for how long."""

from collections.abc import Iterator

import streamlit as st

from app import actions, state
from app.components import train_form
from app.components.wording import lasting
from hmgc_core.errors import HmgcError
from hmgc_core.records import RunConfig
from hmgc_core.workflow import sweeps, training
from hmgc_core.workflow.sweeps import Dimension, value_words
from hmgc_core.workflow.workspaces import Workspace


def show(ws: Workspace) -> None:
    """The form; its button asks the worker for the search, and its results stand in the address from then on."""
    st.caption(
        "Trains many times, each time with other settings, and keeps to those that do best on the validation pictures. "
        "The first training takes the settings below as they are; those that fall behind are ended early."
    )
    train_form.fields(ws)
    config = actions.attempt(train_form.wanted, ws)
    known = config if isinstance(config, HmgcError) else actions.attempt(sweeps.can_vary, config)
    if isinstance(known, HmgcError):
        st.error(actions.sentence(known), icon=":material/error:")
        return
    by_name = {one.name: one for one in known}
    names = st.multiselect(
        "What to vary",
        list(by_name),
        default=[name for name in sweeps.USUAL if name in by_name],
        format_func=lambda name: by_name[name].words,
        key=_key("over"),
        help="What makes a training longer, such as epochs and larger pictures, is not varied: longer would win.",
    )
    with st.expander("Between which values"):
        for name in names:
            _range(by_name[name])
    with st.grid(2, min_column_width=160):
        st.number_input("Trainings", min_value=1, max_value=sweeps.MOST_TRIALS, value=sweeps.TRIALS, key=_key("trials"))
        st.number_input(
            "Minutes at most",
            min_value=0,
            max_value=sweeps.MOST_MINUTES,
            value=0,
            key=_key("minutes"),
            help="0: as long as the trainings take. What is not finished by then waits until the search goes on.",
        )
    _how_long(ws)
    actions.show_problem(state.SWEEP_FORM)
    st.button(
        "Search",
        type="primary",
        icon=":material/manage_search:",
        key=_key("start"),
        on_click=_ask,
        args=(ws, [by_name[name] for name in names]),
    )


def _range(dimension: Dimension) -> None:
    if dimension.choices:
        st.multiselect(
            dimension.words,
            dimension.choices,
            format_func=value_words,
            key=_key(f"{dimension.name}.among"),
            placeholder=f"all: {dimension.range_words}",
            help=dimension.help,
        )
        return
    with st.grid(2, min_column_width=160):
        for label, value in (("from", dimension.low), ("to", dimension.high)):
            name = f"{dimension.words} {label}"
            key = _key(f"{dimension.name}.{label}.{value}")
            st.number_input(name, value=value, format="%g", key=key, help=dimension.help)


def _said(dimension: Dimension) -> str:
    """The dimension as `sweeps.ask` takes it, with the range that the form says."""
    if dimension.choices:
        values = st.session_state.get(_key(f"{dimension.name}.among"), [])
        return f"{dimension.name}={'|'.join(map(value_words, values))}" if values else dimension.name
    ends = [("from", dimension.low), ("to", dimension.high)]
    low, high = (st.session_state.get(_key(f"{dimension.name}.{label}.{value}"), value) for label, value in ends)
    return f"{dimension.name}={low!r}:{high!r}"


def _how_long(ws: Workspace) -> None:
    """As many trainings as the form says, each as long as the last one of these settings took."""
    trials = st.session_state[_key("trials")]
    config = actions.attempt(train_form.wanted, ws)
    took_s = None if isinstance(config, HmgcError) else next(_took_s(ws, config), None)
    if took_s is not None:
        st.caption(f"About {lasting(took_s * trials)}, or less, as most fall behind early.")


def _took_s(ws: Workspace, config: RunConfig) -> Iterator[float]:
    """Seconds that whole trainings of this size took, the newest first."""
    for run in training.all_runs(ws):
        then, same = run.config, ("model", "backbone", "image_size")
        if run.status != "done" or run.attempts > 1 or not run.started_at or not run.finished_at:
            continue
        is_alike = all(getattr(then, name) == getattr(config, name) for name in same)
        if is_alike and not then.freeze_backbone:
            yield (run.finished_at - run.started_at).total_seconds() * config.epochs / then.epochs


def _ask(ws: Workspace, over: list[Dimension]) -> None:
    asked = actions.do(_asked, ws, over, at=state.SWEEP_FORM)
    if asked is not None:
        state.choose(state.SWEEP, asked.name)
        st.toast(f"The search {asked.name} waits for its turn.", icon=":material/check:")


def _asked(ws: Workspace, over: list[Dimension]) -> sweeps.Sweep:
    trials, minutes = st.session_state[_key("trials")], st.session_state[_key("minutes")]
    said = [_said(one) for one in over]
    return sweeps.ask(ws, train_form.wanted(ws), over=said, trials=trials, minutes=float(minutes) or None)


def _key(setting: str) -> str:
    return f"{state.SWEEP_FORM}.{setting}"
