"""What a search for good settings has tried: how far it is, its best, its figures, and a training with that."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import actions, state
from app.components import charts, link_notice, sweep_charts, task_progress, wording
from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.workflow import sweeps
from hmgc_core.workflow.run_settings import recipe_words
from hmgc_core.workflow.sweeps import Sweep, Trial, value_words
from hmgc_core.workflow.workspaces import Workspace

EVERY_S = 3.0
MORE = 10
AT = "train.sweep"
STATES = {
    "waiting": "waiting",
    "running": "training",
    "done": "finished",
    "pruned": "ended early",
    "failed": "interrupted",
}


def mention(searches: Sequence[Sweep]) -> None:
    """One line about a search that waits or runs, on the way to it."""
    active = next((one for one in searches if one.task.is_active), None)
    if active is not None:
        words = f"The search {active.name} goes on"
        st.button(
            escape_markdown(words),
            icon=":material/manage_search:",
            type="tertiary",
            key="sweep-open",
            on_click=_open,
            args=(active.name,),
        )


def _open(name: str) -> None:
    state.choose(state.TRAIN_WAY, "search")
    state.choose(state.SWEEP, name)


def show(ws: Workspace, searches: Sequence[Sweep]) -> None:
    """The search that the address names, else the newest; nothing where there is none yet."""
    by_name = {one.name: one for one in searches}
    link_notice.leave_out({state.SWEEP: by_name})
    if not searches:
        return
    shown = by_name.get(state.chosen(state.SWEEP), searches[0])
    _picker(searches, shown)
    _about(shown)
    actions.show_problem(AT)
    task_progress.show(ws, shown.task, what=f"The search {shown.name}")

    @st.fragment(run_every=EVERY_S if shown.task.is_active else None)
    def found() -> None:
        _found(ws, shown)

    found()


def _picker(searches: Sequence[Sweep], shown: Sweep) -> None:
    if len(searches) < 2:
        st.subheader(escape_markdown(f"Search {shown.name}"))
        return
    st.session_state[state.SWEEP_BOX] = shown.name
    st.selectbox("Search", [one.name for one in searches], key=state.SWEEP_BOX, on_change=_choose)


def _choose() -> None:
    state.choose(state.SWEEP, st.session_state[state.SWEEP_BOX])


def _about(of: Sweep) -> None:
    config = of.config
    bounds = [number(of.trials, "training")] if of.trials is not None else []
    bounds += [f"{of.minutes:g} minutes"] if of.minutes is not None else []
    varied = ", ".join(one.words.lower() for one in of.over)
    st.caption(
        escape_markdown(
            f"{config.model} on {config.backbone}, {recipe_words(config)}, {config.image_size} px, "
            f"{number(config.epochs, 'epoch')} each; "
            f"varies {varied}; at most {' or '.join(bounds)}; on the first {of.upto:,} labels; begun "
            f"{wording.ago(of.task.created_at)}."
        )
    )


def _found(ws: Workspace, of: Sweep) -> None:
    trials = actions.attempt(sweeps.tried, ws, of)
    if isinstance(trials, HmgcError):
        st.error(actions.sentence(trials), icon=":material/error:")
        return
    best = sweeps.best(trials)
    if best is not None:
        _best(ws, of, best)
    if sweep_charts.scored(trials):
        _figures(ws, of, trials)
    if trials:
        st.dataframe(_table(of, trials), hide_index=True, height=40 + 35 * min(len(trials), 8), alt="All trials")
    elif of.task.is_active:
        st.caption("Nothing is tried yet.")


def _best(ws: Workspace, of: Sweep, best: Trial) -> None:
    settings = "; ".join(
        f"{one.words.lower()} **{escape_markdown(value_words(best.values[one.name]))}**"
        for one in of.over
        if one.name in best.values
    )
    with st.container(border=True):
        words = "Best so far" if of.task.is_active else "Best"
        st.markdown(f"**{words}: {best.score:.1%}**, trial {best.number}: {settings}")
        st.caption(
            "Share of the classes on the way to each label that were found, on the validation pictures (`h_recall`). "
            "All trials share a seed: less than a point may be luck."
        )
        with st.container(horizontal=True, gap="small"):
            if st.button(
                "Train with these settings", type="primary", key=f"{AT}.best", icon=":material/model_training:"
            ):
                _train(ws, of)
            if not of.task.is_active:
                label = f"Try {MORE} more"
                if st.button(label, key=f"{AT}.more", icon=":material/add:"):
                    actions.do(sweeps.more, ws, of.name, trials=MORE, at=AT)
                    st.rerun()
        with st.expander("The same from a terminal"):
            st.code(sweeps.command(ws, sweeps.config_of(of, best)), language=None, wrap_lines=True)


def _train(ws: Workspace, of: Sweep) -> None:
    run = actions.do(sweeps.train_best, ws, of.name, at=AT)
    if run is not None:
        st.toast(f"Run {run} waits for its turn.", icon=":material/check:")
    st.rerun()


def _figures(ws: Workspace, of: Sweep, trials: Sequence[Trial]) -> None:
    with st.grid(2, min_column_width=300, gap="medium"):
        with st.container():
            st.markdown("**What each trial reached, on validation pictures**")
            ended = sum(one.state == "pruned" for one in trials)
            alt = (
                f"{number(len(sweep_charts.scored(trials)), 'trial')}, {ended} of them ended early, and the best so far"
            )
            charts.draw(sweep_charts.history(trials), key=f"{AT}.history", alt=alt)
        with st.container():
            st.markdown("**What mattered**")
            _importance(ws, of)
    varied = [one for one in of.over if any(one.name in trial.values for trial in sweep_charts.scored(trials))]
    with st.grid(2 if len(varied) in (2, 4) else 3, min_column_width=240, gap="medium"):
        for one in varied:
            with st.container():
                st.markdown(f"**{escape_markdown(one.words)}**")
                figure = sweep_charts.against(one, trials)
                charts.draw(figure, key=f"{AT}.of.{one.name}", alt=f"{one.words} of each trial against what it reached")


def _importance(ws: Workspace, of: Sweep) -> None:
    shares = actions.attempt(sweeps.importances, ws, of)
    if isinstance(shares, HmgcError) or not shares:
        few = "With one setting there is nothing to compare." if len(of.over) < 2 else "A few more trials will tell."
        st.caption(few)
        return
    words = {one.name: one.words for one in of.over}
    said = ", ".join(f"{words.get(name, name)} {share:.0%}" for name, share in shares.items())
    charts.draw(sweep_charts.importance(shares, words), key=f"{AT}.mattered", alt=f"How much each mattered: {said}")
    st.caption("How far each setting tells the best quarter of the trials from the rest. With few trials it is a hint.")


def _table(of: Sweep, trials: Sequence[Trial]) -> pd.DataFrame:
    return pd.DataFrame([_row(of, one) for one in sorted(trials, key=lambda one: -one.number)])


def _row(of: Sweep, trial: Trial) -> dict[str, str]:
    said = {one.words: value_words(trial.values[one.name]) if one.name in trial.values else "–" for one in of.over}
    return {
        "Trial": str(trial.number),
        "State": STATES[trial.state],
        "Reached": "–" if trial.score is None else f"{trial.score:.1%}",
        **said,
        "Epochs": str(len(trial.epochs)),
        "Took": "–" if trial.seconds is None else wording.lasting(trial.seconds),
        "Remark": trial.why,
    }
