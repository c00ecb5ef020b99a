"""The settings of a training. The common ones are in sight, the others one click away."""

from typing import Any

import streamlit as st

from app import actions, state
from app.components import model_words
from hmgc_core.records import RunConfig
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

SIZES = (32, 48, 64, 96, 128, 160, 224, 288, 384)
DEVICES = {"auto": "GPU if there is one", "cpu": "Processor", "cuda": "GPU"}
DEFAULT = RunConfig()


def show(ws: Workspace) -> None:
    """The form; its button queues the training."""
    with st.form("train.form", border=False):
        models = list(training.MODELS)
        st.radio(
            "Model",
            models,
            index=models.index(DEFAULT.model) if DEFAULT.model in models else 0,
            captions=[model_words.model(name) for name in models],
            key=_key("model"),
        )
        with st.grid(2, min_column_width=200):
            st.selectbox("Backbone", list(training.BACKBONES), format_func=model_words.backbone, key=_key("backbone"))
            st.select_slider("Picture size in pixels", SIZES, value=DEFAULT.image_size, key=_key("image_size"))
        st.number_input(
            "Epochs", 1, 10_000, DEFAULT.epochs, key=_key("epochs"), help="How many times it goes through all pictures."
        )
        with st.expander("More settings"):
            _more()
        st.form_submit_button(
            "Start training", type="primary", icon=":material/model_training:", on_click=_queue, args=(ws,)
        )


def _more() -> None:
    with st.grid(2, min_column_width=200):
        st.number_input("Batch size", 2, 4096, DEFAULT.batch_size, key=_key("batch_size"), help="Pictures per step.")
        st.number_input(
            "Learning rate",
            1e-7,
            10.0,
            DEFAULT.lr,
            format="%g",
            step=0.01,
            key=_key("lr"),
            help="The highest one; it rises and falls during the training.",
        )
        st.selectbox("Runs on", list(DEVICES), format_func=DEVICES.__getitem__, key=_key("device"))
        st.number_input(
            "Seed", 0, 2**31 - 1, DEFAULT.seed, key=_key("seed"), help="The same seed gives the same start."
        )
    st.text_input(
        "Weights file of the backbone",
        key=_key("weights"),
        placeholder="blank: start from nothing",
        help="A file on the machine that runs the worker, or the word imagenet where the weights can be fetched.",
    )


def _key(setting: str) -> str:
    return f"{state.TRAIN}.{setting}"


def _queue(ws: Workspace) -> None:
    number = actions.do(_queue_run, ws)
    if number is not None:
        st.toast(f"Run {number} waits for its turn.", icon=":material/check:")


def _queue_run(ws: Workspace) -> int:
    """The verb with what the form says; a value out of range is told like any other error."""
    names = ("model", "backbone", "image_size", "epochs", "batch_size", "lr", "device", "seed", "weights")
    wanted: dict[str, Any] = {name: st.session_state[_key(name)] for name in names}
    wanted["weights"] = wanted["weights"].strip()
    return training.queue_run(ws, RunConfig(**wanted))
