"""Annotate, at whatever level of the class tree the annotator is sure of: one by one, or many look-alikes at once."""

import streamlit as st

from app import resources, security
from app.components import empty_state, ways
from app.components.annotator import index as annotator
from app.components.annotator import who
from app.components.many import index as many
from hmgc_core.workflow import labelling, training
from hmgc_core.workflow.taxonomies import newest_taxonomy

ws = resources.workspace()
tree = newest_taxonomy(ws)
if tree is None:
    empty_state.show("There is no class tree yet.", next_page="taxonomy", label="Bring in a class tree")
    st.stop()
if not labelling.label_counts(ws).images:
    empty_state.show("There are no pictures yet.", next_page="data", label="Bring in pictures")
    st.stop()
name = who.current()
if not name:
    who.ask()
    st.stop()
show = many.show if ways.show() == "many" else annotator.show
show(
    annotator=name,
    token=security.sign(ws.secret(), name),
    place=resources.fingerprint(),
    taxonomy=annotator.TreeVersion(tree[0], tree[1].content_hash),
    awaits_model=training.awaits_first(ws),
    remember=who.remembered() != name,
    on_leave=who.leave,
)
