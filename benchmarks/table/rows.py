"""The rows of the table: ways to learn from labels, coarse ones among them, and trials beside them. Plain values."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import product

from hmgc_core.querying import names_one_leaf
from hmgc_core.recipes import RECIPES, Switches
from hmgc_core.records import OptionValue, RunConfig, Sample
from hmgc_core.taxonomy import Taxonomy

IMAGE_SIZE, BATCH_SIZE = 32, 128
# These change nothing without vague labels.
ABOUT_VAGUE = ("exact_share", "pseudo_labels", "aligned", "sure_from", "pseudo_after")


@dataclass(frozen=True)
class Row:
    """One way. words: what people read. backbone: "" for that of the pictures. all_leaf: it is given the labels before
    any was made coarse.

    switches: beside the shared ones. recipe: the name of the recipe that it is, "" for none. once: one seed of the
    short budget at the largest share, because it is dear. of: a trial, which changes something about this row; it
    takes its learning rate and few seeds of the long budget at the largest share.
    """

    name: str
    words: str
    model: str
    backbone: str = ""
    drop_coarse: bool = False
    all_leaf: bool = False
    switches: dict[str, OptionValue] = field(default_factory=dict)
    recipe: str = ""
    once: bool = False
    of: str = ""


def _recipe(name: str) -> dict[str, OptionValue]:
    """What a recipe sets."""
    return _set(asdict(RECIPES[name].switches))


def _set(switches: dict[str, OptionValue]) -> dict[str, OptionValue]:
    """Without those that stand as they do by themselves."""
    plain = asdict(Switches())
    return {switch: value for switch, value in switches.items() if value != plain[switch]}


ROWS = {
    row.name: row
    for row in (
        Row("flat", "one softmax over the leaves; a coarse label is the sum of its leaves", "flat"),
        Row("flat_balanced", "flat, half of each batch exact", "flat", switches={"exact_share": 0.5}),
        Row(
            "exact_quarter",
            "flat, a quarter of each batch exact (the recipe `balanced`)",
            "flat",
            switches=_recipe("balanced"),
            recipe="balanced",
        ),
        Row("coarse_dropped", "flat on the exact labels alone, as many steps", "flat", drop_coarse=True),
        Row(
            "self_taught",
            "exact_quarter, and sure guesses inside the labelled class are learned (the recipe `self_taught`)",
            "flat",
            switches=_recipe("self_taught"),
            recipe="self_taught",
        ),
        Row("hrn", "HRN as published", "hrn"),
        Row("per_level", "one cross-entropy per level, where there is a label", "per_level"),
        Row("oracle", "flat on labels that all name a leaf", "flat", all_leaf=True),
        Row("ps", "scores shared along the path (parameter sharing)", "ps"),
        Row("soft_margin", "margin over all nodes but the path (soft-max-margin)", "soft_margin"),
        Row("hrn_logits", "HRN with raw scores in its tree loss", "hrn_logits"),
        Row("hmgn", "HMGN on the same backbone", "hmgn", once=True),
        Row("coarse_fine", "Hierarchical_CNN's coarse-to-fine heads", "coarse_fine", once=True),
        Row("graphconvnet_ti", "flat on a graph net", "flat", backbone="graphconvnet_ti", once=True),
    )
}


def _trial(of: str, name: str, words: str, **switches: OptionValue) -> Row:
    """The row with these switches changed."""
    row = ROWS[of]
    return replace(row, name=name, words=words, switches=_set({**row.switches, **switches}), recipe="", of=of)


# Every value of one with every value of the others; the first, as the recipe has it.
FACTORS: dict[str, tuple[float, ...]] = {
    "sure_from": (0.8, 0.6, 0.95),
    "pseudo_after": (0.4, 0.2),
    "ancestor_weight": (0.0, 0.5),
}
FACTORIAL_OF = "self_taught"


def combinations() -> Iterator[dict[str, float]]:
    """Every combination of the factors, the row's own first."""
    return (dict(zip(FACTORS, values, strict=True)) for values in product(*FACTORS.values()))


def name_of(combination: dict[str, float]) -> str:
    """The name of the row that is trained so."""
    if list(combination.values()) == [values[0] for values in FACTORS.values()]:
        return FACTORIAL_OF
    sure, after, ancestors = (round(100 * value) for value in combination.values())
    return f"guess_{sure}_after_{after}" + (f"_hace_{ancestors}" if ancestors else "")


def _factorial() -> Iterator[Row]:
    for one in combinations():
        if name_of(one) != FACTORIAL_OF:
            told = ", ".join(f"{factor} {value:g}" for factor, value in one.items())
            yield _trial(FACTORIAL_OF, name_of(one), told, **one)


TRIALS = {
    row.name: row
    for row in (
        _trial("exact_quarter", "exact_eighth", "an eighth of each batch exact", exact_share=0.125),
        _trial("exact_quarter", "strong_views", "a quarter of each picture hidden (cutout)", views="strong"),
        _trial("exact_quarter", "averaged", "the running mean of the weights", averaged=True),
        _trial("exact_quarter", "hace_50", "half of -log P of each class above the label added", ancestor_weight=0.5),
        _trial("hrn", "hrn_quarter", "HRN, a quarter of each batch exact", exact_share=0.25),
        _trial("per_level", "per_level_quarter", "per level, a quarter of each batch exact", exact_share=0.25),
        _trial("ps", "ps_quarter", "parameter sharing, a quarter of each batch exact", exact_share=0.25),
        _trial("self_taught", "unaligned", "guesses weighed alike, however often a leaf is guessed", aligned=False),
        *_factorial(),
    )
}
WAYS = ROWS | TRIALS
# What the goals are about: these come first.
TELLING = ("flat", "flat_balanced", "exact_quarter", "coarse_dropped", "self_taught", "hrn", "per_level", "oracle")
BARS = ("flat", "flat_balanced", "coarse_dropped")  # the honest baselines: the winner has to beat the best of them


def config_of(
    row: Row, taxonomy: Taxonomy, labels: list[Sample], *, backbone: str, epochs: int, lr: float, seed: int
) -> RunConfig:
    """The run of a row on these labels; what would change nothing on them is left off.

    So rows that coincide on some labels have equal configs there: with all labels exact there is nothing to drop,
    balance or guess, and with half of them exact every batch is balanced anyway.
    """
    exact = sum(names_one_leaf(taxonomy, sample) for sample in labels)
    vague = len(labels) - exact
    switches = {name: value for name, value in row.switches.items() if vague or name not in ABOUT_VAGUE}
    if not 0 < exact < float(switches.get("exact_share", 0)) * len(labels):
        switches.pop("exact_share", None)
    return RunConfig(
        model=row.model,
        backbone=row.backbone or backbone,
        image_size=IMAGE_SIZE,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        lr=lr,
        seed=seed,
        drop_coarse=row.drop_coarse and vague > 0,
        switches=switches,
    )
