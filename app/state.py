"""Every session key of the app, under one name each. State holds ids and choices, never records."""

import streamlit as st

ANNOTATOR = "annotate.annotator"
RUN = "runs.run"
NODE = "taxonomy.node"
IMAGE = "predictions.image"
OFFSET = "predictions.offset"
