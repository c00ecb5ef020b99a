"""Annotate, at whatever level of the class tree the annotator is sure of: one by one, or many look-alikes at once."""

import streamlit as st

from app import resources, security, state
from app.components import empty_state, my_labels, queue_dialog, queue_words, ways
from app.components.annotator import index as annotator
from app.components.annotator import who
from app.components.many import index as many
from hmgc_core.workflow import labelling, training
from hmgc_core.workflow.taxonomies import newest_taxonomy


def _go_back() -> None:
    """To where the picture out of its turn came from; another page is opened by the rerun that follows."""
    wish = st.session_state.get(state.REOPEN)
    if wish is None or wish.address is None:
        ways.go("mine")
    else:
        st.session_state[state.WAY_BACK] = wish.address


if (address := st.session_state.pop(state.WAY_BACK, None)) is not None:
    st.switch_page("pages/predictions.py", query_params=address)
ws = resources.workspace()
tree = newest_taxonomy(ws)
if tree is None:
    empty_state.show("There is no class tree yet.", next_page="taxonomy", label="Bring in a class tree")
    st.stop()
if not labelling.image_counts(ws)[0]:
    empty_state.show("There are no pictures yet.", next_page="data", label="Bring in pictures")
    st.stop()
name = who.current()
if not name:
    who.ask()
    st.stop()
way = ways.show()
if way == "mine":
    my_labels.show(ws, name)
    st.stop()
if way == "many":
    many.show(
        annotator=name,
        token=security.sign(ws.secret(), name),
        place=resources.fingerprint(),
        taxonomy=annotator.TreeVersion(tree[0], tree[1].content_hash),
        awaits_model=training.awaits_first(training.all_runs(ws)),
        remember=who.remembered() != name,
        on_leave=who.leave,
    )
    st.stop()
choice = queue_words.chosen(ws)
annotator.show(
    annotator=name,
    token=security.sign(ws.secret(), name),
    place=resources.fingerprint(),
    taxonomy=annotator.TreeVersion(tree[0], tree[1].content_hash),
    awaits_model=training.awaits_first(training.all_runs(ws)),
    remember=who.remembered() != name,
    queue=annotator.QueueShown(str(choice), queue_words.name(ws, choice), st.session_state.get(state.QUEUE_ROUND, 0)),
    reopen=st.session_state.get(state.REOPEN),
    gone=my_labels.gone(ws, name),
    on_leave=who.leave,
    on_choose=queue_dialog.ask,
    on_back=_go_back,
)
queue_dialog.show_if_asked(ws, name)
