"""What a model or backbone can be told beside what all of them are told. Plain values; imports no torch."""

from __future__ import annotations

from dataclasses import replace

from hmgc_core.options import Option, checked_values
from hmgc_core.records import OptionValue, RunConfig

REL_POS = Option(
    "rel_pos",
    default="2d",
    words="Distance on the picture",
    help="How far apart two places are counts when the graph is built: 2d measures it right; vig measures it as the "
    "published nets do, choose it with weights that were published.",
    choices=("2d", "vig"),
)

# name in the catalog -> its options, in the order in which people see them
OPTIONS: dict[str, tuple[Option, ...]] = {
    "soft_margin": (
        Option(
            "margin",
            default=5.0,
            words="Margin",
            help="How far a class that contradicts the label must stay behind. 0 asks for no distance.",
            low=0.0,
            high=100.0,
            searched=(0.0, 20.0),
        ),
    ),
    "coarse_fine": (
        Option(
            "share_trunk",
            default=False,
            words="One backbone for all levels",
            help="Smaller and faster; without it each level has a backbone of its own.",
        ),
        Option(
            "fine_only",
            default=False,
            words="Finest level only",
            help="Leaves the coarse levels out, to see what they are good for.",
        ),
        Option(
            "finest_weight",
            default=2.0,
            words="Weight of the finest level",
            help="How much a mistake at the finest level counts; one at any level above counts 1.",
            low=0.1,
            high=100.0,
            searched=(0.5, 8.0),
        ),
    ),
    "hgrnet": (
        Option(
            "prompt",
            "a photo of a {}",
            "Sentence",
            "What is said of a class; {} stands for its name. Say what your pictures are: a satellite photo of a {}.",
            holds="{}",
        ),
        Option(
            "out_ratio",
            0.25,
            "Levels learned",
            "The share of a label's path, from the label upwards, whose classes the picture is drawn to.",
            low=0.0,
            high=1.0,
        ),
        Option(
            "in_ratio",
            0.5,
            "Levels told apart",
            "The share of the path, from there upwards, at whose levels it is told apart from other classes.",
            low=0.0,
            high=1.0,
        ),
        Option(
            "window",
            "around",
            "Told apart from",
            "Classes of the level above only, as published, or also of the same level and the one below.",
            choices=("around", "above"),
        ),
        Option(
            "weighting",
            "learned",
            "Weight of the levels",
            "Learned, starting with more weight for levels of few classes; or equal; or more for higher levels.",
            choices=("learned", "equal", "increasing"),
        ),
    ),
    "pyramid_graphconvnet_ti": (REL_POS,),
    "pyramid_graphconvnet_s": (REL_POS,),
    "pyramid_vig_ti": (REL_POS,),
    "pyramid_vig_s": (REL_POS,),
    "hmgn": (
        Option(
            "word_vectors",
            default="",
            words="File of word vectors",
            help="GloVe as text, 300 numbers a word: what class names mean. Blank: made from the letters of the names.",
            is_file=True,
        ),
    ),
}
OPTIONS["clip_zero_shot"] = OPTIONS["hgrnet"][:1]


def options_of(model: str, backbone: str) -> tuple[Option, ...]:
    """What a training of this model on this backbone can be told."""
    return OPTIONS.get(model, ()) + OPTIONS.get(backbone, ())


def chosen_options(config: RunConfig) -> dict[str, OptionValue]:
    """Every option of the config's model and backbone with its value, the default where the config says nothing.

    Raises BadConfig for an option that they do not have, or a value that it cannot take.
    """
    known = options_of(config.model, config.backbone)
    return checked_values(config.options, known, owner=f"{config.model} on {config.backbone}", what="option")


def without_files(config: RunConfig) -> RunConfig:
    """The config with no file to start from, neither weights nor an option's: to build what a checkpoint then fills."""
    files = {option.name for option in options_of(config.model, config.backbone) if option.is_file}
    kept = {name: value for name, value in config.options.items() if name not in files}
    return replace(config, weights="", options=kept)
