"""Learn from the labels made since the last training, in seconds: the head of that run learns, its backbone stays."""

import streamlit as st

from app import actions, state
from app.components.wording import lasting, number
from hmgc_core.workflow import heads
from hmgc_core.workflow.heads import Offer
from hmgc_core.workflow.workspaces import Workspace

A_FEW_S = 10
AND_THEN = "The next labels can be learned here within seconds."


def show(ws: Workspace, *, pictures: int) -> bool:
    """The button, where there is a run to go on from; returns whether it can be clicked. pictures: in the workspace."""
    offer = heads.offer(ws)
    if offer is None:
        actions.show_problem(state.QUICK)
        return False
    with st.container(border=True):
        st.button(
            _label(offer, pictures),
            type="primary" if not offer.obstacle else "secondary",
            icon=":material/bolt:",
            key=state.QUICK,
            disabled=bool(offer.obstacle),
            on_click=_queue,
            args=(ws, offer.run.id),
        )
        st.caption(_meaning(offer, pictures))
        actions.show_problem(state.QUICK)
    return not offer.obstacle


def _label(offer: Offer, pictures: int) -> str:
    """`Learn from the 37 new labels · a few seconds`."""
    if not offer.new and not offer.gone:
        return "Learn from new labels"
    if offer.new:
        what = "Learn from the new label" if offer.new == 1 else f"Learn from the {number(offer.new, 'new label')}"
    else:
        what = f"Learn without the {number(offer.gone, 'label')} that {'was' if offer.gone == 1 else 'were'} taken back"
    takes_s = offer.seconds(pictures)
    return f"{what} · {'a few seconds' if takes_s <= A_FEW_S else f'about {lasting(takes_s)}'}"


def _meaning(offer: Offer, pictures: int) -> str:
    if offer.obstacle:
        return f"{offer.obstacle} {AND_THEN}" if not (offer.new or offer.gone) else offer.obstacle
    unseen = offer.unseen(pictures)
    first = f" First it looks once at {number(unseen, 'picture')} that it has not seen yet." if unseen else ""
    return (
        f"Keeps what run {offer.run.id} sees in pictures and learns anew which classes that means; every picture gets "
        f"a new prediction.{first} A whole training, below, also learns to see more, and takes longer."
    )


def _queue(ws: Workspace, run_id: int) -> None:
    queued = actions.do(heads.queue, ws, run_id, at=state.QUICK)
    if queued is not None:
        st.toast(f"Run {queued} waits for its turn.", icon=":material/check:")
