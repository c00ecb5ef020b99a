"""What a run was asked to do, in words: each setting under the name that people read."""

from dataclasses import asdict

from hmgc_core.records import Run, RunConfig
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
    "recipe": "Way of learning",
    "freeze_backbone": "What learned",
}


def settings_of(*runs: Run) -> dict[str, str]:
    """Setting -> what people read: those of all runs, then what some can be told, or do unlike their recipe."""
    own = (option for run in runs for option in training.options_of(run.config.model, run.config.backbone))
    unlike = {name for run in runs for name in _unlike_recipe(run)}
    switches = (option for option in training.SWITCHES if option.name in unlike)
    return SETTINGS | {option.name: option.words for option in (*own, *switches)}


def _unlike_recipe(run: Run) -> set[str]:
    """The switches that this run sets in another way than its recipe."""
    if run.config.recipe not in training.RECIPES:  # of a newer version
        return set()
    usual = asdict(training.RECIPES[run.config.recipe].switches)
    return {name for name, value in asdict(training.switches_of(run.config)).items() if value != usual[name]}


def said(run: Run, setting: str) -> str:
    """The value of a setting as text; a dash for a blank one, and for one that this model does not have."""
    if setting == "freeze_backbone":
        return run.config.what_learned or "all of it"
    options = training.options_of(run.config.model, run.config.backbone)
    of_model = {option.name: run.config.options.get(option.name, option.default) for option in options}
    own = asdict(run.config)
    if setting == "recipe":
        return recipe_words(run.config)
    value = own[setting] if setting in SETTINGS else {**of_model, **run.config.switches}.get(setting, "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "–"


def recipe_words(config: RunConfig) -> str:
    """The way of learning, as people call it."""
    known = training.RECIPES.get(config.recipe)
    return known.words if known else config.recipe
