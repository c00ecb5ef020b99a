"""How a training goes, whatever the model: switches, and recipes, which are named settings of them.

Plain values; `learning` does what they say. docs/recipes.md tells what each is worth, with figures.
"""

from dataclasses import asdict, dataclass

from hmgc_core.errors import UnknownRecipe, nearest_names
from hmgc_core.options import Option, checked_values
from hmgc_core.records import OptionValue, RunConfig


@dataclass(frozen=True)
class Switches:
    """What a training does beside following its labels' likelihood. Each field is told in `SWITCHES`."""

    exact_share: float = 0.0
    averaged: bool = False
    views: str = "plain"
    pseudo_labels: bool = False
    aligned: bool = True
    sure_from: float = 0.8
    pseudo_after: float = 0.4
    ancestor_weight: float = 0.0
    warm_up: float = 0.25


SWITCHES = (
    Option(
        "exact_share",
        Switches.exact_share,
        "Exact labels in a batch",
        "At least this share of every batch are pictures whose label leaves one class of the finest level possible; "
        "0: as they come.",
        low=0.0,
        high=1.0,
    ),
    Option(
        "averaged",
        Switches.averaged,
        "Averaged weights",
        "The model that is measured and kept is the running mean of the last ninth of the steps.",
    ),
    Option(
        "views",
        Switches.views,
        "Changes to pictures",
        "plain: cut, mirrored, in other light; strong: a square of each is hidden as well; hrn: a random cut of four "
        "fifths, mirrored, as the authors of HRN do.",
        choices=("plain", "strong", "hrn"),
    ),
    Option(
        "pseudo_labels",
        Switches.pseudo_labels,
        "Learn from own guesses",
        "Where a label leaves several finest classes possible and the averaged model is sure which it is, learn that.",
    ),
    Option(
        "aligned",
        Switches.aligned,
        "Guesses as frequent as labels",
        "Own guesses are weighed so that no class is guessed more often than the labels say it comes.",
    ),
    Option(
        "sure_from",
        Switches.sure_from,
        "Sure from",
        "A guess counts from this probability on.",
        low=0.0,
        high=1.0,
        searched=(0.5, 0.98),
    ),
    Option(
        "pseudo_after",
        Switches.pseudo_after,
        "Guesses begin after",
        "The share of the training's steps before own guesses are learned.",
        low=0.0,
        high=1.0,
        searched=(0.1, 0.7),
    ),
    Option(
        "ancestor_weight",
        Switches.ancestor_weight,
        "Weight of the levels above",
        "How much the classes above a label count beside it; 0 leaves it to the label.",
        low=0.0,
        high=10.0,
        searched=(0.0, 2.0),
    ),
    Option(
        "warm_up",
        Switches.warm_up,
        "Learning rate rises for",
        "The share of the training's steps in which the learning rate rises; in the others it falls.",
        low=0.0,
        high=0.9,
        searched=(0.05, 0.5),
    ),
)


@dataclass(frozen=True)
class Recipe:
    """A named setting. words, help: what people read. switches: what differs from all off."""

    words: str
    help: str
    switches: Switches


PLAIN = "plain"  # of every run from before there were recipes
# Of a new training that is told nothing else: ahead in docs/results.md.
DEFAULT, DEFAULT_MODEL = "balanced", "flat"
RECIPES = {
    PLAIN: Recipe("Plain", "Every label counts once, as it is.", Switches()),
    "balanced": Recipe(
        "Balanced",
        "At least a quarter of the pictures in every step have a label at the finest level, so that many coarse ones "
        "do not drown them.",
        Switches(exact_share=0.25),
    ),
    "self_taught": Recipe(
        "Self-taught",
        "Balanced, and coarse labels are narrowed down by the model's own sure guesses. Takes a fifth longer.",
        Switches(exact_share=0.25, pseudo_labels=True),
    ),
}


def switches_of(config: RunConfig) -> Switches:
    """The switches of a run: its recipe's, but for those that the config sets itself.

    Raises UnknownRecipe, or BadConfig for a switch that does not exist or cannot take its value.
    """
    if config.recipe not in RECIPES:
        nearest = ", ".join(map(repr, nearest_names(config.recipe, RECIPES, len(RECIPES))))
        raise UnknownRecipe(f"there is no recipe {config.recipe!r}", remedy=f"choose one of {nearest}")
    given: dict[str, OptionValue] = {**asdict(RECIPES[config.recipe].switches), **config.switches}
    return Switches(**checked_values(given, SWITCHES, owner="a training", what="switch"))  # type: ignore[arg-type]
