"""The settings of a training. The common ones are in sight, the others one click away."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from app import actions, state
from app.components import model_words, wording
from hmgc_core.records import Labelling, OptionValue, Run, RunConfig
from hmgc_core.workflow import labellings, training
from hmgc_core.workflow.training import Option
from hmgc_core.workflow.workspaces import Workspace

SIZES = (32, 48, 64, 96, 128, 160, 224, 288, 384)
# Offered to models that read names; any other CLIP can be typed.
CLIPS = ("clip:ViT-B-32-quickgelu", "clip:RN50-quickgelu", "clip:tiny")
DEVICES = {"auto": "GPU if there is one", "cpu": "Processor", "cuda": "GPU"}


def show(ws: Workspace, *, is_first_choice: bool = True) -> None:
    """The form, filled in like the newest whole training; its button queues one.

    is_first_choice: the page has no better button.
    """
    fields(ws)
    actions.show_problem(state.TRAIN)  # above the button: there it is in sight
    st.button(
        "Start training",
        type="primary" if is_first_choice else "secondary",
        icon=":material/model_training:",
        key=_key("start"),
        on_click=_queue,
        args=(ws,),
    )


def fields(ws: Workspace) -> None:
    """The settings of a training, filled in like the newest whole training; `wanted` reads them."""
    example = _example(ws)
    like = example.config if example else training.first_config()
    model = _select("Model", training.MODELS, like.model, setting="model")
    st.caption(model_words.model(model))
    sizes = sorted({*SIZES, like.image_size})
    with st.grid(2, min_column_width=200):
        backbone = _backbone(model, like.backbone)
        st.select_slider("Picture size in pixels", sizes, value=like.image_size, key=_key("image_size"))
    st.number_input(
        "Epochs",
        value=like.epochs,
        min_value=1,
        key=_key("epochs"),
        help="How many times it goes through all pictures.",
    )
    if example:
        st.caption(_like_run(example))
    _labels(ws)
    with st.expander("More settings"):
        _options(model, backbone, like)
        _more(like)


def _labels(ws: Workspace) -> None:
    """Which labels to learn from, where there is more than one set of them: those of people, unless one is chosen."""
    made = {one.name: one for one in labellings.all_labellings(ws)}
    if not made:
        return
    _select(
        "Labels",
        ["", *made],
        "",
        setting="labelling",
        words=lambda name: f"{name}: {wording.number(made[name].labels, 'label')}" if name else "What people say now",
        help="A labelling is a set of labels for the training pictures that was made under a name. Validation and test "
        "pictures keep what people say.",
    )


def chosen_labelling(ws: Workspace) -> Labelling | None:
    """The labelling that the form would learn from, None for what people say."""
    chosen = st.session_state.get(_key("labelling"), "")
    return next((one for one in labellings.all_labellings(ws) if one.name == chosen), None)


def _example(ws: Workspace) -> Run | None:
    """The newest whole training whose settings were of use."""
    whole = (run for run in training.all_runs(ws) if not run.config.freeze_backbone and not run.set_aside)
    return next((run for run in whole if run.status != "failed"), None)


def _backbone(model: str, chosen: str) -> str:
    """Those of the list that serve the model, or the name of one of the thousand of a library."""
    known = list(CLIPS) if model in training.READING_NAMES else [*training.BACKBONES]
    if chosen not in known and (chosen.startswith("clip:") or model not in training.READING_NAMES):
        known.append(chosen)
    said = st.selectbox(
        "Backbone",
        known,
        index=known.index(chosen) if chosen in known else 0,
        format_func=model_words.backbone,
        accept_new_options=True,
        key=_key(f"{'reading.' if model in training.READING_NAMES else ''}backbone"),
        help="Or type timm: or clip: and the name of one of those libraries' networks.",
    )
    meant = meant_backbone(said)
    if meant != said:
        st.caption(f"That is {meant}.")
    return meant


def meant_backbone(backbone: str) -> str:
    """The one backbone of ours whose name holds what was typed; anything else stays as it is."""
    fitting = [name for name in training.BACKBONES if backbone.strip().lower() in name]
    return fitting[0] if len(fitting) == 1 else backbone


def _options(model: str, backbone: str, like: RunConfig) -> None:
    """What only this model on this backbone can be told."""
    options = training.options_of(model, backbone)
    if not options:
        return
    with st.grid(2, min_column_width=200):
        for option in options:
            _option(option, like.options.get(option.name, option.default), key=_option_key(model, backbone, option))
    st.divider()


def _option(option: Option, value: OptionValue, *, key: str) -> None:
    if isinstance(option.default, bool):
        st.checkbox(option.words, value=bool(value), key=key, help=option.help)
    elif isinstance(option.default, float):
        st.number_input(option.words, value=float(value), format="%g", key=key, help=option.help)
    elif option.choices:
        place = option.choices.index(str(value))
        st.selectbox(option.words, option.choices, index=place, key=key, help=option.help)
    else:
        st.text_input(option.words, value=str(value), key=key, help=option.help)


def _option_key(model: str, backbone: str, option: Option) -> str:
    return _key(f"{model}.{backbone}.{option.name}")


def _like_run(run: Run) -> str:
    """Where the settings come from, and how long a training with them takes, as far as anybody knows."""
    took = ""
    if run.status == "done" and run.attempts == 1 and run.started_at and run.finished_at:
        took = f", which took {wording.lasting((run.finished_at - run.started_at).total_seconds())}"
    return f"Filled in like run {run.id}{took}. Larger pictures, a larger backbone and more epochs take longer."


def _more(like: RunConfig) -> None:
    recipes = training.RECIPES
    recipe = _select("Way of learning", recipes, like.recipe, setting="recipe", words=lambda name: recipes[name].words)
    st.caption(recipes[recipe].help)
    with st.grid(2, min_column_width=200):
        st.number_input(
            "Batch size", value=like.batch_size, min_value=1, key=_key("batch_size"), help="Pictures per step."
        )
        st.number_input(
            "Learning rate",
            value=like.lr,
            format="%g",
            step=0.01,
            key=_key("lr"),
            help="The highest one; it rises and falls during the training. Weights that are given learn at a fiftieth.",
        )
        st.number_input(
            "Weight decay",
            value=like.weight_decay,
            format="%g",
            step=1e-4,
            key=_key("weight_decay"),
            help="How strongly weights are pulled to zero.",
        )
        st.number_input(
            "Label smoothing",
            value=like.label_smoothing,
            format="%g",
            step=0.05,
            key=_key("label_smoothing"),
            help="How much of each label is spread over the other classes.",
        )
        _select("Runs on", DEVICES, like.device, setting="device", words=DEVICES.__getitem__)
        st.number_input("Seed", value=like.seed, key=_key("seed"), help="The same seed gives the same start.")
    st.checkbox(
        "Learn from the finest labels only",
        value=like.drop_coarse,
        key=_key("drop_coarse"),
        help="Coarser labels, such as only 'bird', are left out of this training; they stay in the workspace. "
        "Compare with a training that uses them to see what they are worth.",
    )
    st.text_input(
        "Weights file of the backbone",
        value=like.weights,
        key=_key("weights"),
        placeholder="blank: start from nothing",
        help="A file on the machine that runs the worker, or, where they can be fetched, a word: imagenet, or openai "
        "for a clip: backbone.",
    )


def _select(
    label: str, names: Iterable[str], chosen: str, *, setting: str, words: Callable[[str], str] = str, help: str = ""
) -> str:
    options = list(names)
    place = options.index(chosen)
    return st.selectbox(label, options, index=place, format_func=words, key=_key(setting), help=help or None)


def _key(setting: str) -> str:
    return f"{state.TRAIN}.{setting}"


def _queue(ws: Workspace) -> None:
    number = actions.do(_queue_run, ws, at=state.TRAIN)
    if number is not None:
        st.toast(f"Run {number} waits for its turn.", icon=":material/check:")


def _queue_run(ws: Workspace) -> int:
    """The verb with what the form says; a value out of range is told like any other error."""
    return training.queue_run(ws, wanted(ws))


def wanted(ws: Workspace) -> RunConfig:
    """What the form says. Raises BadConfig for a value out of range."""
    names = (
        "model",
        "image_size",
        "epochs",
        "batch_size",
        "lr",
        "weight_decay",
        "label_smoothing",
        "device",
        "seed",
        "weights",
        "drop_coarse",
        "recipe",
    )
    said: dict[str, Any] = {name: st.session_state[_key(name)] for name in names}
    said["weights"] = said["weights"].strip()
    reads = said["model"] in training.READING_NAMES
    said["backbone"] = meant_backbone(st.session_state[_key("reading.backbone" if reads else "backbone")])
    model, backbone = said["model"], said["backbone"]
    said["options"] = {
        option.name: st.session_state[_option_key(model, backbone, option)]
        for option in training.options_of(model, backbone)
    }
    said["labelling"] = st.session_state.get(_key("labelling"), "")
    example = _example(ws)
    if example and example.config.recipe == said["recipe"]:
        said["switches"] = example.config.switches  # set one by one on the command line, or by a search
    return RunConfig(**said)
