"""What a search for good settings can vary, and between which values. Plain values; knows no optimizer.

A setting is one of the training (`lr`), a switch of its recipe (`averaged`) or an option of its model
(`finest_weight`). Settings that change how long a training takes (epochs, picture size, backbone) are not varied: the
search would find that longer trainings are better.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Literal, Protocol, Self

from hmgc_core.errors import BadConfig, nearest_names
from hmgc_core.options import Option
from hmgc_core.recipes import SWITCHES, switches_of
from hmgc_core.records import OptionValue, RunConfig

Place = Literal["training", "switch", "option"]
Value = OptionValue | int

# Settings of every training, as options: their words, and where good values are looked for.
LOG = ("lr", "weight_decay")  # a tenth matters as much as ten times
TRAINING = (
    Option(
        "lr",
        RunConfig.lr,
        "Learning rate",
        "The highest one; weights that are given learn at a fiftieth.",
        low=1e-7,
        high=10.0,
        searched=(0.003, 1.0),
    ),
    Option(
        "weight_decay",
        RunConfig.weight_decay,
        "Weight decay",
        "How strongly weights are pulled to zero.",
        low=0.0,
        high=1.0,
        searched=(1e-5, 1e-2),
    ),
    Option(
        "label_smoothing",
        RunConfig.label_smoothing,
        "Label smoothing",
        "How much of each label is spread over the other classes.",
        low=0.0,
        high=0.9,
        searched=(0.0, 0.3),
    ),
)
BATCH_SIZES = (16, 32, 64, 128, 256)
BATCH_BOUNDS = 2, 4096
USUAL = ("lr", "weight_decay", "label_smoothing")

# A setting that only means something where another is on.
NEEDS = {"aligned": "pseudo_labels", "sure_from": "pseudo_labels", "pseudo_after": "pseudo_labels"}


@dataclass(frozen=True)
class Dimension:
    """One setting that is varied. words, help: what people read. now: its value without a search.

    choices: the values to choose from, or, where there are none, a number from low to high; log: on a log scale.
    least, most: what the setting can take at all, if it is a number.
    """

    name: str
    place: Place
    words: str
    help: str
    now: Value
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    least: float = 0.0
    most: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; `from_dict` takes it back."""
        return {**asdict(self), "choices": list(self.choices)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The dimension of `to_dict`."""
        return cls(**{**values, "choices": tuple(values["choices"])})

    @property
    def needs(self) -> str:
        """The setting that must be on for this one to mean something; "" for none."""
        return NEEDS.get(self.name, "")

    @property
    def range_words(self) -> str:
        """`0.003 to 1`, or `16, 32 or 64`."""
        if not self.choices:
            return f"{self.low:g} to {self.high:g}"
        said = [value_words(choice) for choice in self.choices]
        return " or ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else said[0]

    def nearest(self, value: Value) -> Value:
        """The value that can be tried next to this one."""
        if self.choices:
            return value if value in self.choices else self.choices[0]
        return min(max(float(value), self.low), self.high)

    def between(self, low: float, high: float) -> Self:
        """The same over another range. Raises BadConfig where it is empty, or outside of what the setting takes."""
        if self.choices:
            raise BadConfig(f"{self.name} has no range", remedy=f"write it as {self.name}=A|B, of {self.range_words}")
        if not low < high:
            remedy = "write the smaller number first"
            raise BadConfig(f"the range of {self.name} from {low:g} to {high:g} is empty", remedy=remedy)
        for end in (low, high):
            self._inside(end)
        if self.log and low <= 0:
            what = f"{self.name} is varied by factors, and none leads away from {low:g}"
            raise BadConfig(what, remedy="begin a little above 0, as 1e-6")
        return replace(self, low=low, high=high)

    def among(self, values: Sequence[str]) -> Self:
        """The same over these values alone. Raises BadConfig where the setting cannot take one of them."""
        return replace(self, choices=tuple(dict.fromkeys(self._read(value.strip()) for value in values)))

    def _read(self, value: str) -> Value:
        if isinstance(self.now, bool):
            return bool(Option(self.name, False, self.words, self.help).checked(value))
        if isinstance(self.now, str):
            texts = tuple(str(choice) for choice in self.choices)
            return Option(self.name, "", self.words, self.help, choices=texts).checked(value)
        return self._inside(value)

    def _inside(self, value: str | float) -> int | float:
        is_whole = isinstance(self.now, int)
        try:
            number = int(value) if is_whole else float(value)
        except ValueError:
            number = math.nan
        if not self.least <= number <= self.most:
            kind = "whole number" if is_whole else "number"
            remedy = f"choose a {kind} from {self.least:g} to {self.most:g}"
            raise BadConfig(f"{self.name} is {value!r}", remedy=remedy)
        return number


def value_words(value: Value) -> str:
    """A value as people read it: a number to three digits, yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def dimensions(config: RunConfig, options: Sequence[Option]) -> tuple[Dimension, ...]:
    """All that can be varied of this training, with the usual ranges; `options`: those of its model and backbone.

    Raises what `switches_of` raises.
    """
    switches = asdict(switches_of(config))
    found = [_of_option(option, "training", getattr(config, option.name)) for option in TRAINING]
    found.append(_batch_size(config.batch_size))
    found += [_of_option(option, "switch", switches[option.name]) for option in SWITCHES]
    found += [_of_option(option, "option", config.options.get(option.name, option.default)) for option in options]
    return tuple(one for one in found if one is not None)


def _batch_size(now: int) -> Dimension:
    sizes = tuple(sorted({*BATCH_SIZES, now}))
    least, most = BATCH_BOUNDS
    return Dimension("batch_size", "training", "Batch size", "Pictures per step.", now, sizes, least=least, most=most)


def _of_option(option: Option, place: Place, now: OptionValue) -> Dimension | None:
    """None for a free text, a file, and a number without bounds: there is nothing to choose from."""
    choices = (False, True) if isinstance(option.default, bool) else option.choices
    bare = Dimension(option.name, place, option.words, option.help, now, choices)
    if choices:
        return bare
    low, high = option.searched or (option.low, option.high)
    if not isinstance(option.default, float) or option.is_file or not math.isfinite(high - low):
        return None
    log = option.name in LOG
    if not log or float(now) > 0:  # what is in use is one of those that are tried
        low, high = min(low, float(now)), max(high, float(now))
    return replace(bare, low=low, high=high, log=log, least=option.low, most=option.high)


def chosen(given: Sequence[str], known: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """The dimensions that these texts name: `lr`, `lr=0.01:0.5`, `batch_size=32|64`.

    Raises BadConfig for a name that is not known, a range that is empty, and a setting that would change nothing.
    """
    by_name = {one.name: one for one in known}
    taken: dict[str, Dimension] = {}
    for text in given:
        name, _, values = text.strip().partition("=")
        if name not in by_name:
            by_likeness = ", ".join(nearest_names(name, by_name, count=len(by_name)))
            raise BadConfig(f"there is no setting {name!r} to vary", remedy=f"choose some of {by_likeness}")
        taken[name] = _ranged(by_name[name], values)
    if not taken:
        raise BadConfig("nothing is to be varied", remedy=f"name at least one setting, as {', '.join(USUAL)}")
    for one in taken.values():
        if one.needs and one.needs not in taken and not by_name[one.needs].now:
            remedy = f"vary {one.needs} as well, or turn it on"
            raise BadConfig(f"{one.name} changes nothing while {one.needs} is off", remedy=remedy)
    return tuple(taken.values())


def _ranged(dimension: Dimension, values: str) -> Dimension:
    if not values:
        return dimension
    if ":" not in values:
        return dimension.among(values.split("|"))
    try:
        low, high = map(float, values.split(":"))
    except ValueError as error:
        remedy = f"write it as {dimension.name}=LOW:HIGH"
        raise BadConfig(f"{values!r} is no range of {dimension.name}", remedy=remedy) from error
    return dimension.between(low, high)


def settled(config: RunConfig, over: Sequence[Dimension], values: Mapping[str, Value]) -> RunConfig:
    """The training with these values of the settings that are varied; numbers to four digits, as people copy them."""
    placed: dict[Place, dict[str, Any]] = {"training": {}, "switch": {}, "option": {}}
    for one in over:
        if one.name in values:
            value = values[one.name]
            placed[one.place][one.name] = value if one.choices else float(f"{value:.4g}")
    options, switches = {**config.options, **placed["option"]}, {**config.switches, **placed["switch"]}
    return replace(config, **placed["training"], options=options, switches=switches)


def all_choices(over: Sequence[Dimension], *, at_most: int) -> list[dict[str, Value]] | None:
    """Every training there is to choose from; None where there are more than that, or a number is varied."""
    if any(not one.choices for one in over) or math.prod(len(one.choices) for one in over) > at_most:
        return None
    found: list[dict[str, Value]] = []
    for values in product(*(one.choices for one in over)):
        named = {one.name: value for one, value in zip(over, values, strict=True)}
        meant = {one.name: named[one.name] for one in over if named.get(one.needs, True)}
        if meant not in found:
            found.append(meant)
    return found


class Suggesting(Protocol):
    """Whoever names values: a trial of Optuna."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """A number of the range."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""


def suggested(trial: Suggesting, over: Sequence[Dimension]) -> dict[str, Value]:
    """Values for what is varied, but for what would change nothing beside the others."""
    values: dict[str, Value] = {}
    for one in sorted(over, key=lambda one: bool(one.needs)):
        if not values.get(one.needs, True):
            continue
        if one.choices:
            values[one.name] = trial.suggest_categorical(one.name, one.choices)
        else:
            values[one.name] = trial.suggest_float(one.name, one.low, one.high, log=one.log)
    return values
