"""One run in a few lines: its state, its main figures, its error with the remedy, its remarks."""

from typing import Literal

import streamlit as st

from app import actions
from app.components import metric_words, wording
from app.components.metric_words import Figure
from app.security import escape_markdown
from hmgc_core.errors import HmgcError
from hmgc_core.records import Run
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace


def show(ws: Workspace, run: Run) -> None:
    """The run in short, with a way to its page."""
    with st.container(border=True):
        title(run)
        if run.is_active:
            st.progress(min(1.0, max(0.0, run.progress)), text=escape_markdown(wording.how_far(run)))
        problems(run)
        split = metrics_split(run)
        if split:
            main_figures(run, split, columns=2, before=training.before(ws, run))
            if better := clearly_better_before(ws, run):
                st.warning(
                    f"Clearly worse than run {better.id}. Until the next training ends, it makes the suggestions; "
                    "set aside, it leaves that to the run before it.",
                    icon=":material/trending_down:",
                )
        offer_to_suggest(ws, run)
        if st.button("Open this run", key=f"open-run-{run.id}", type="tertiary", icon=":material/arrow_forward:"):
            st.switch_page("pages/runs.py", query_params={"run": str(run.id)})


def title(run: Run) -> None:
    """Its name, its state and its age."""
    colour, icon = ("gray", ":material/archive:") if run.set_aside else wording.STATUS[run.status]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escape_markdown(wording.run_title(run))}**", width="content")
        st.badge(run.state, color=colour, icon=icon)  # type: ignore[arg-type]
        st.caption(wording.ago(run.finished_at or run.created_at), width="content")


def offer_to_go_on(ws: Workspace, run: Run) -> None:
    """A button for a run that was stopped or failed: its saved state is taken up where it ended."""
    if run.can_resume:
        done = f" from {wording.percent(run.progress)}" if run.progress else ""
        label = f"Go on{done}" if run.status == "cancelled" else "Try again"
        st.button(label, icon=":material/play_arrow:", type="primary", on_click=_go_on, args=(ws, run.id))


def _go_on(ws: Workspace, run_id: int) -> None:
    actions.do(training.resume, ws, run_id)


def offer_to_suggest(ws: Workspace, run: Run) -> None:
    """Which run suggests, and the button that changes it: set this one aside, or let it suggest."""
    if run.status != "done":
        return
    now = training.suggesting(training.all_runs(ws))
    if now is not None and now.id == run.id:
        said, label, icon, verb = (
            "Suggestions come from this run.",
            "Set aside",
            ":material/archive:",
            training.set_aside,
        )
    else:
        said = f"Suggestions come from run {now.id}." if now else "No run makes suggestions."
        label, icon, verb = "Let this run suggest", ":material/assistant:", training.let_suggest
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(said, width="content")
        st.button(
            label,
            key=f"suggest-{run.id}",
            type="tertiary",
            icon=icon,
            help="The newest run suggests that is not set aside. Those set aside suggest nothing, and no training goes "
            "on from them; their predictions stay to be seen.",
            on_click=actions.do,
            args=(verb, ws, run.id),
        )


def clearly_better_before(ws: Workspace, run: Run) -> Run | None:
    """The run before this one where this one suggests and is clearly worse; None where all is well."""
    split, before = metrics_split(run), training.before(ws, run)
    return before if before and split and not run.set_aside and is_clearly_worse(run, before, split) else None


def is_clearly_worse(run: Run, before: Run, split: str) -> bool:
    """A main figure is worse than the other run's by more than chance would make it, and none is better so."""
    earlier, images = _earlier(run, before, split), run.metrics[split].get("images", 0)
    main = [figure for figure in metric_words.main_figures(run.metrics[split]) if figure.exact in earlier]
    pairs = [(figure, earlier[figure.exact]) for figure in main]
    clear = [(figure, than) for figure, than in pairs if figure.is_clear(than, images)]
    return bool(clear) and not any(figure.is_better(than) for figure, than in clear)


def _earlier(run: Run, before: Run | None, split: str) -> dict[str, Figure]:
    """The figures of the run before by name; none where it was measured on other pictures of the split."""
    theirs = before.metrics.get(split, {}) if before else {}
    is_alike = "images" in theirs and theirs["images"] == run.metrics[split].get("images")
    return {figure.exact: figure for figure in metric_words.figures(theirs)} if is_alike else {}


def problems(run: Run) -> None:
    """What went wrong and what to do, and what the run remarked."""
    if run.error:
        st.error(actions.sentence(HmgcError(run.error, remedy=run.remedy)), icon=":material/error:")
    for remark in run.remarks:
        st.caption(f":material/info: {escape_markdown(remark)}")


def metrics_split(run: Run) -> str:
    """The split whose figures are shown: test if it was measured, else validation; "" if neither was."""
    return next((split for split in ("test", "val") if run.metrics.get(split)), "")


def measured_on(run: Run, split: str) -> str:
    """`145 test pictures`; without the number where the run did not count them."""
    count = run.metrics[split].get("images")
    noun = f"{wording.SPLITS[split].lower()} picture"
    return wording.number(count, noun) if isinstance(count, int) else f"the {noun}s"


def main_figures(run: Run, split: str, *, columns: int, before: Run | None = None) -> None:
    """The few figures that tell most, each with its exact name and what it means.

    before: a run to say the difference to, where both were measured on as many pictures of the split.
    """
    metrics = run.metrics[split]
    earlier = _earlier(run, before, split)
    with st.grid(columns, min_column_width=140):
        for figure in metric_words.main_figures(metrics):
            meaning = f"{figure.measure.meaning} Exact name: `{figure.exact}`. Measured on {measured_on(run, split)}."
            than = earlier.get(figure.exact)
            gap = figure.against(than) if than else ""
            way: Literal["normal", "inverse"] = "normal" if figure.measure.better == "higher" else "inverse"
            is_clear = than is not None and figure.is_clear(than, metrics["images"])
            st.metric(figure.name, figure.text, gap or None, way if is_clear else "off", help=meaning)
    if earlier and before:
        one = f"one picture of {metrics['images']:,} is {1 / max(1, metrics['images']) * 100:.1g} points"
        st.caption(f"Against run {before.id}; {one}. Where it is grey, other pictures could turn it around.")
