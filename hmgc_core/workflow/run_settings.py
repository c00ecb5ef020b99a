"""What a run was asked to do, in words: each setting under the name that people read."""

from dataclasses import asdict

from hmgc_core.records import Run
from hmgc_core.workflow import training

# Setting -> what people read.
SETTINGS = {
    "model": "Model",
    "backbone": "Backbone",
    "image_size": "Picture size (pixels)",
    "epochs": "Epochs",
    "batch_size": "Batch size",
    "lr": "Learning rate",
    "weight_decay": "Weight decay",
    "label_smoothing": "Label smoothing",
    "device": "Runs on",
    "seed": "Seed",
    "weights": "Weights file",
    "labelling": "Labelling",
    "drop_coarse": "Finest labels only",
    "freeze_backbone": "What learned",
}


def settings_of(*runs: Run) -> dict[str, str]:
    """Setting -> what people read: those that all runs have, then what only the models of these can be told."""
    own = (option for run in runs for option in training.options_of(run.config.model, run.config.backbone))
    return SETTINGS | {option.name: option.words for option in own}


def said(run: Run, setting: str) -> str:
    """The value of a setting as text; a dash for a blank one, and for one that this model does not have."""
    if setting == "freeze_backbone":
        return run.config.what_learned or "all of it"
    values = asdict(run.config)
    options = training.options_of(run.config.model, run.config.backbone)
    of_model = {option.name: run.config.options.get(option.name, option.default) for option in options}
    value = values[setting] if setting in SETTINGS else of_model.get(setting, "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "–"
