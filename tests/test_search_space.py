"""What a search can vary, and between which values."""

import json
import math
from typing import Any

import optuna
import pytest

from hmgc_core.errors import BadConfig
from hmgc_core.models.catalog import MODELS
from hmgc_core.models.options import options_of
from hmgc_core.recipes import SWITCHES
from hmgc_core.records import RunConfig
from hmgc_core.search_space import (
    TRAINING,
    USUAL,
    Dimension,
    all_choices,
    chosen,
    dimensions,
    settled,
    suggested,
    value_words,
)

PLAIN = RunConfig(model="coarse_fine", backbone="resnet_mini")


def known(config: RunConfig = PLAIN) -> tuple[Dimension, ...]:
    return dimensions(config, options_of(config.model, config.backbone))


def named(*given: str, config: RunConfig = PLAIN) -> tuple[Dimension, ...]:
    return chosen(given, known(config))


@pytest.mark.parametrize("model", MODELS)
def test_every_number_and_choice_of_a_training_can_be_varied_and_no_file_or_text(model: str) -> None:
    config = RunConfig(model=model, backbone="pyramid_vig_ti")
    options = options_of(model, config.backbone)
    found = {one.name: one for one in known(config)}
    free = {option.name for option in options if isinstance(option.default, str) and not option.choices}
    wanted = {option.name for option in (*TRAINING, *SWITCHES, *options)} - free
    assert set(found) == wanted | {"batch_size"}
    for option in (*TRAINING, *SWITCHES, *options):
        if option.name in found and not found[option.name].choices:
            one = found[option.name]
            assert option.low <= one.low < one.high <= option.high and math.isfinite(one.high)
            assert one.low <= float(one.now) <= one.high  # type: ignore[arg-type]
            assert one.words and one.help


def test_what_is_in_use_is_always_among_what_is_tried() -> None:
    found = {one.name: one for one in known(RunConfig(lr=5.0, batch_size=24, weight_decay=0.0))}
    assert found["lr"].high == 5.0 and found["lr"].log
    assert 24 in found["batch_size"].choices
    assert found["weight_decay"].low > 0  # a logarithmic scale has no zero
    assert found["weight_decay"].nearest(0.0) == found["weight_decay"].low
    assert set(USUAL) <= set(found)


def test_ranges_and_choices_are_read_as_they_are_written() -> None:
    lr, size, views, averaged, weight = named(
        "lr=0.01:0.5", "batch_size=32|64|32", "views=hrn|plain", "averaged=yes", "finest_weight=1|2.5"
    )
    assert (lr.low, lr.high, lr.log, lr.range_words) == (0.01, 0.5, True, "0.01 to 0.5")
    assert (size.choices, size.range_words) == ((32, 64), "32 or 64")
    assert views.choices == ("hrn", "plain") and averaged.choices == (True,)
    assert weight.choices == (1.0, 2.5)
    assert Dimension.from_dict(json.loads(json.dumps(size.to_dict()))) == size


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["learning"], "no setting 'learning'"),
        (["epochs"], "no setting 'epochs'"),
        (["lr=0.5:0.1"], "is empty"),
        (["lr=0.1:0.1"], "is empty"),
        (["weight_decay=0:0.1"], "none leads away from 0"),
        (["lr=0.1:20"], "lr is 20"),
        (["lr=a:b"], "no range of lr"),
        (["lr=1:2:3"], "no range of lr"),
        (["lr=nan:1"], "is empty"),
        (["batch_size=1|4"], "batch_size is '1'"),
        (["batch_size=2.5"], "batch_size is '2.5'"),
        (["batch_size=2:4"], "batch_size has no range"),
        (["views=weak"], "views is 'weak'"),
        (["averaged=perhaps"], "averaged is 'perhaps'"),
        (["sure_from"], "changes nothing while pseudo_labels is off"),
        ([], "nothing is to be varied"),
    ],
)
def test_anything_else_is_a_named_error(given: list[str], words: str) -> None:
    with pytest.raises(BadConfig, match=words) as caught:
        named(*given)
    assert caught.value.remedy


def test_a_setting_that_needs_another_is_varied_beside_it_or_where_it_is_on() -> None:
    assert len(named("sure_from", "pseudo_labels")) == 2
    assert named("sure_from", config=RunConfig(recipe="self_taught"))
    both = named("aligned", "pseudo_labels")
    assert all_choices(both, at_most=10) == [
        {"pseudo_labels": False},
        {"aligned": False, "pseudo_labels": True},
        {"aligned": True, "pseudo_labels": True},
    ]


def test_values_are_suggested_inside_the_ranges_and_only_where_they_mean_something() -> None:
    over = named("sure_from", "pseudo_labels", "lr=0.01:0.1", "batch_size=8|16")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen: list[dict[str, Any]] = []
    for _ in range(40):
        trial = study.ask()
        seen.append(suggested(trial, over))
        assert seen[-1] == trial.params
    assert all(("sure_from" in one) == one["pseudo_labels"] for one in seen)
    assert all(0.01 <= one["lr"] <= 0.1 and one["batch_size"] in (8, 16) for one in seen)
    assert {one["pseudo_labels"] for one in seen} == {True, False}
    assert sum(one["lr"] < 0.0316 for one in seen) in range(10, 31)  # half of a logarithmic range


def test_a_training_gets_its_values_where_they_belong() -> None:
    config = RunConfig(model="coarse_fine", options={"share_trunk": True}, switches={"pseudo_labels": True})
    over = named("lr", "batch_size", "averaged", "finest_weight", config=config)
    values = {"lr": 0.123456789, "batch_size": 16, "averaged": True, "finest_weight": 3.0}
    ready = settled(config, over, values)
    assert (ready.lr, ready.batch_size) == (0.1235, 16)
    assert ready.switches == {"pseudo_labels": True, "averaged": True}
    assert ready.options == {"share_trunk": True, "finest_weight": 3.0}
    assert settled(config, over, {}) == config


def test_few_choices_are_listed_and_ranges_are_not() -> None:
    over = named("batch_size=8|16", "views")
    listed = all_choices(over, at_most=6)
    assert listed is not None and len(listed) == 6
    assert all_choices(over, at_most=5) is None
    assert all_choices(named("lr", "views"), at_most=1000) is None


def test_values_are_said_shortly() -> None:
    assert [value_words(value) for value in (True, 0.123456, 64, "plain", 1e-5)] == [
        "yes",
        "0.123",
        "64",
        "plain",
        "1e-05",
    ]
