"""What the coarse labels of a run bought: a button that has it found out, how far that is, and what came of it."""

import pandas as pd
import streamlit as st

from app import actions, state
from app.components import level_names, task_progress
from app.components.wording import COARSE_LABELS, SPLITS, lasting, number
from app.security import escape_markdown
from hmgc_core.metrics.paired import PairedDifference
from hmgc_core.records import Run
from hmgc_core.workflow import coarse_labels
from hmgc_core.workflow.coarse_labels import ALL, ARMS, FINEST, FLATTENED, MEANINGS, Bought
from hmgc_core.workflow.workspaces import Workspace

AT = "runs.bought"


def show(ws: Workspace, run: Run) -> None:
    """The section of a finished run; nothing for any other."""
    if run.status != "done":
        return
    st.subheader(COARSE_LABELS)
    actions.show_problem(AT)
    task = coarse_labels.newest(ws, run.id)
    found = coarse_labels.bought(ws, run.id)
    if found is not None:
        _found(found)
    elif task is None:
        _offer(ws, run)
    if task is not None:
        task_progress.show(ws, task, what=COARSE_LABELS)


def _offer(ws: Workspace, run: Run) -> None:
    problem = coarse_labels.obstacle(ws, run)
    if problem is not None:
        st.caption(actions.sentence(problem))
        whole = coarse_labels.learned_whole(ws, run)
        if whole is not None and whole.id != run.id:
            st.button(
                f"Open run {whole.id}",
                type="tertiary",
                icon=":material/arrow_forward:",
                key="bought-whole",
                on_click=state.choose,
                args=(state.RUN, whole.id),
            )
        return
    st.caption(
        "Trains this model on the same pictures with the coarse labels left out, and with all labels flattened, in the "
        f"same number of steps, and measures all on the same pictures. {_how_long(run)}"
    )
    key = f"bought-{run.id}"
    st.button("Find out", key=key, icon=":material/balance:", on_click=_ask, args=(ws, run.id))


def _ask(ws: Workspace, run_id: int) -> None:
    actions.do(coarse_labels.ask, ws, run_id, at=AT)


def _how_long(run: Run) -> str:
    if not run.started_at or not run.finished_at or run.attempts > 1:
        return "It takes about as long as two or three trainings."
    took_s = (run.finished_at - run.started_at).total_seconds()
    return f"It takes about {lasting((3 if run.config.drop_coarse else 2) * took_s)}."


def _found(found: Bought) -> None:
    icon = {"better": ":material/trending_up:", "worse": ":material/trending_down:", "unclear": ":material/balance:"}
    leaf = found.gains[FINEST].leaf
    st.markdown(f"#### {icon[leaf.verdict]} {escape_markdown(found.headline)}")
    st.markdown(
        f"Against the finest labels only: {_told(leaf)}. Against every label flattened: "
        f"{_told(found.gains[FLATTENED].leaf)}. One point is one picture more in a hundred that is right at the "
        "finest level."
    )
    table = pd.DataFrame([_row(found, arm) for arm in ARMS])
    st.dataframe(table, hide_index=True, height="content", alt="How often each of the three is right, at each level")
    pictures = number(found.pictures, f"{SPLITS[found.split].lower()} picture")
    caption = (
        f"On {pictures} with a label at the finest level. Each of the three took {found.steps:,} steps with seed "
        f"{found.seed}: "
        + "; ".join(f"*{words.lower()}*: {MEANINGS[arm]}" for arm, words in ARMS.items())
        + ". The range tells how much other test pictures might change it; another seed can change it too."
    )
    st.caption(caption)
    rest = found.labels[ALL] - found.labels[FINEST] - found.coarse
    if rest > 0:
        said = number(rest, "more label says", "more labels say")
        st.caption(f"{said} nothing about the finest class, as those at the root; they do not count as coarse.")
    if found.split == "val":
        st.caption("No test picture has such a label; the validation pictures, which also chose the epoch, stood in.")
    for remark in found.remarks:
        st.caption(f":material/info: {escape_markdown(remark)}")


def _told(gain: PairedDifference) -> str:
    verdict = {"better": "better", "worse": "worse", "unclear": "no clear difference"}[gain.verdict]
    return f"**{escape_markdown(coarse_labels.in_words(gain))}** ({verdict})"


def _row(found: Bought, arm: str) -> dict[str, str]:
    metrics = found.metrics[arm]
    shares = list(metrics["level_accuracy"])
    names = [level_names.level_name(level, len(shares)) for level in range(1, len(shares) + 1)]
    gain = None if arm == ALL else found.gains[arm].leaf
    return {
        "Learned from": ARMS[arm],
        "Labels": f"{found.labels[arm]:,}",
        "Finest class right": _share(metrics["leaf_accuracy"]),
        **{f"{names[level]} right": _share(shares[level]) for level in found.extra_levels},
        "All labels against it": "–" if gain is None else coarse_labels.in_words(gain),
    }


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
