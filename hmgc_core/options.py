"""One setting with its range and its words, whoever it belongs to. Plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hmgc_core.errors import BadConfig, nearest_names
from hmgc_core.records import OptionValue


@dataclass(frozen=True)
class Option:
    """One setting. default: its type is the option's (bool, float or str). words: what people read, and why to use it.

    choices: the values a text may have, any text where there are none. holds: what a text must have in it. low, high:
    the range of a number.
    is_file: the text is the path of a file that only a fresh start reads; a checkpoint holds what was in it.
    searched: where good values of a number are looked for, when it is not all from low to high.
    """

    name: str
    default: OptionValue
    words: str
    help: str
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    is_file: bool = False
    holds: str = ""
    searched: tuple[float, float] | None = None

    def checked(self, value: OptionValue | str) -> OptionValue:
        """The value in the option's own type; text, as it comes from a command line, is read. Raises BadConfig."""
        if isinstance(self.default, bool):
            known = {True: True, False: False, "true": True, "false": False, "yes": True, "no": False}
            if value not in known:
                raise BadConfig(f"{self.name} is {value!r}", remedy="choose yes or no")
            return known[value]
        if isinstance(self.default, float):
            return self._number(value)
        if not isinstance(value, str) or (self.choices and value not in self.choices):
            raise BadConfig(f"{self.name} is {value!r}", remedy=f"choose one of {', '.join(self.choices) or 'a text'}")
        if self.holds not in value:
            raise BadConfig(f"the {self.name} {value!r} has no {self.holds}", remedy=f"put {self.holds} into it")
        return value

    def _number(self, value: OptionValue | str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            raise BadConfig(f"{self.name} is {value!r}", remedy=f"choose a number from {self.low:g} to {self.high:g}")
        return number


def checked_values(
    given: Mapping[str, OptionValue], known: Sequence[Option], *, owner: str, what: str
) -> dict[str, OptionValue]:
    """Every known option with its value, the default where nothing is given.

    owner, what: who has them and what they are called, for the error. Raises BadConfig for a name that is none of
    them, or a value that it cannot take.
    """
    names = [option.name for option in known]
    for name in given:
        if name not in names:
            nearest = ", ".join(map(repr, nearest_names(name, names, len(names)))) if names else ""
            remedy = f"choose one of {nearest}" if nearest else f"leave it out: there are no {what}s"
            raise BadConfig(f"{owner} has no {what} {name!r}", remedy=remedy)
    return {option.name: option.checked(given.get(option.name, option.default)) for option in known}
