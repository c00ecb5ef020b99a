"""Pictures: how many there are, in which folders they lie, how more come in, and how data gets out."""

import streamlit as st

from app import resources
from app.components import backup_form, folder_list, import_history, label_progress, picture_import, table_export
from app.components.wording import number
from hmgc_core.workflow import labelling, pictures, taxonomies

ws = resources.workspace()
counts = labelling.label_counts(ws)
newest = taxonomies.newest_taxonomy(ws)

st.header("Pictures")
folders = pictures.folders(ws)
folder_list.warn(folders)
if counts.images:
    found, labelled = st.columns([1, 2], gap="large")
    with found:
        st.metric("Pictures", number(counts.images))
        st.metric("Without a label", number(counts.unlabelled))
    with labelled:
        label_progress.splits(counts)
else:
    st.markdown("There is no picture yet.")
st.subheader("Add pictures")
picture_import.show(ws, has_tree=newest is not None)
import_history.show(ws)
if folders:
    st.subheader("Folders")
    folder_list.show(ws, folders)
if newest and counts.images:
    st.subheader("Take data out")
    table_export.show(ws, newest[1])
if newest or counts.images:
    st.subheader("Keep it safe")
    backup_form.show(ws)
