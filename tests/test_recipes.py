"""Recipes: named settings of switches, which any model can use; what each switch does, against slow obvious code."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from random_trees import random_tree
from reading_pages import open_page
from small_trainings import StopAfter, assert_same_weights
from typer.testing import CliRunner

from hmgc_core.cli import app
from hmgc_core.errors import BadConfig, UnknownRecipe
from hmgc_core.learning.averaging import AveragedModel
from hmgc_core.learning.batches import plan_balanced_epoch, plan_epoch
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.pseudo_labels import PseudoLabels, allowed_leaves, expected_leaves
from hmgc_core.learning.transforms import HIDDEN_SIDE, random_views, weak_views
from hmgc_core.losses import ancestor_loss, leaf_log_marginals
from hmgc_core.models.catalog import MODELS, READING_NAMES, build_model
from hmgc_core.recipes import DEFAULT, PLAIN, RECIPES, SWITCHES, Switches, switches_of
from hmgc_core.records import IS, IS_NOT, NONE_HERE, RunConfig, Targets
from hmgc_core.workflow import training
from hmgc_core.workflow.run_settings import said, settings_of

LEARNERS = [model for model in MODELS if model not in READING_NAMES]
QUICK = {"recipe": "self_taught", "switches": {"pseudo_after": 0.2, "sure_from": 0.3}}

# --- names ------------------------------------------------------------------------------------------------------------


def test_every_switch_has_words_and_a_field_of_its_own():
    assert [option.name for option in SWITCHES] == list(Switches.__dataclass_fields__)
    assert all(option.words and option.help for option in SWITCHES)
    assert all(recipe.words and recipe.help for recipe in RECIPES.values())


def test_a_run_has_its_recipes_switches_but_for_its_own():
    assert switches_of(RunConfig()) == Switches()
    own = switches_of(RunConfig(recipe="self_taught", switches={"sure_from": "0.9", "averaged": "yes"}))
    assert own == Switches(exact_share=0.25, averaged=True, pseudo_labels=True, sure_from=0.9)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"recipe": "self-taught"}, UnknownRecipe, "no recipe 'self-taught'"),
        ({"switches": {"exact_shares": 0.5}}, BadConfig, "no switch 'exact_shares'"),
        ({"switches": {"sure_from": 2.0}}, BadConfig, "sure_from is 2.0"),
        ({"switches": {"views": "weak"}}, BadConfig, "views is 'weak'"),
    ],
)
def test_anything_else_is_a_named_error_before_anything_is_queued(labelled_workspace, given, error, words):
    with pytest.raises(error, match=words) as caught:
        training.queue_run(labelled_workspace, RunConfig(model="flat", backbone="resnet_mini", **given))
    assert caught.value.remedy
    assert not training.all_runs(labelled_workspace)


def test_who_names_no_switch_is_told_all_of_them_the_nearest_first():
    with pytest.raises(BadConfig) as caught:
        switches_of(RunConfig(switches={"exactshare": 0.5}))
    named = caught.value.remedy.removeprefix("choose one of ").split(", ")
    assert sorted(named) == sorted(repr(option.name) for option in SWITCHES) and named[0] == "'exact_share'"


def test_a_queued_run_keeps_what_its_recipe_meant(labelled_workspace, monkeypatch):
    asked = RunConfig(model="flat", backbone="resnet_mini", recipe="balanced")
    number = training.queue_run(labelled_workspace, asked)
    monkeypatch.setitem(RECIPES, "balanced", RECIPES["plain"])
    assert switches_of(training.run(labelled_workspace, number).config).exact_share == 0.25


def test_a_new_training_that_is_told_nothing_else_has_the_recipe_that_won(labelled_workspace, monkeypatch):
    ws = labelled_workspace
    page = open_page(monkeypatch, ws, "train")
    assert page.selectbox(key="train.recipe").value == DEFAULT
    told = CliRunner().invoke(app, ["train", "flat", "--backbone", "resnet_mini", "--workspace", str(ws.folder)])
    assert told.exit_code == 0 and training.run(ws, 1).config.recipe == DEFAULT
    assert RunConfig.from_dict({"model": "flat"}).recipe == PLAIN  # one from before there were recipes


# --- balanced batches -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("exact", "vague", "batch"), [(3, 20, 8), (1, 9, 4), (10, 90, 7), (2, 31, 5)])
@pytest.mark.parametrize("share", [0.35, 0.5, 0.75])
def test_every_balanced_batch_has_its_share_of_exact_labels(exact, vague, batch, share):
    is_vague = np.arange(exact + vague) >= exact
    plan = plan_balanced_epoch(is_vague, batch, share=share, seed=1, epoch=2)
    assert all((~is_vague[numbers]).sum() >= int(share * len(numbers)) for numbers in plan)
    drawn = np.bincount(np.concatenate(plan), minlength=exact + vague)
    assert drawn.sum() == exact + vague
    assert drawn[:exact].sum() == np.ceil(share * (exact + vague))
    assert np.ptp(drawn[:exact]) <= 1 and np.ptp(drawn[exact:]) <= 1  # nobody is drawn twice more than another
    again = plan_balanced_epoch(is_vague, batch, share=share, seed=1, epoch=2)
    assert all(np.array_equal(one, other) for one, other in zip(plan, again, strict=True))
    assert len(plan) == len(plan_epoch(exact + vague, batch, seed=1, epoch=2))


@pytest.mark.parametrize("vague", [0, 10, 20])
def test_where_there_is_nothing_to_balance_batches_fall_as_they_do(vague):
    plans = (
        plan_balanced_epoch(np.arange(20) < vague, 6, share=0.5, seed=3, epoch=4, epoch_size=25),
        plan_epoch(20, 6, seed=3, epoch=4, epoch_size=25),
    )
    assert all(np.array_equal(one, other) for one, other in zip(*plans, strict=True))


# --- averaged weights -------------------------------------------------------------------------------------------------


def test_the_average_is_the_one_the_formula_says(tiny_tree):
    model = build_model("flat", tiny_tree, RunConfig(model="flat", backbone="resnet_mini"))
    average = AveragedModel(model)
    expected = model.head.weight.detach().double().clone()
    for step in range(30):
        with torch.no_grad():
            model.head.weight.add_(torch.randn_like(model.head.weight))
        average.follow(model)
        share = 9 / (10 + step)
        expected = (1 - share) * expected + share * model.head.weight.detach().double()
    assert torch.allclose(average.model.head.weight.double(), expected, atol=1e-5)
    assert average.model.taxonomy is model.taxonomy
    assert not average.model.training and not any(weights.requires_grad for weights in average.model.parameters())
    other = AveragedModel(model)
    other.restore(average.state())
    assert torch.equal(other.model.head.weight, average.model.head.weight) and other.steps == 30


def test_an_averaged_run_keeps_the_average(train):
    last, averaged = train("last"), train("averaged", switches={"averaged": True})
    tensors = [load_checkpoint(result.checkpoint).model.state_dict() for result in (last, averaged)]
    assert any(not torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])


# --- pseudo-labels ----------------------------------------------------------------------------------------------------


def by_hand(tree, log_probs, targets, prior, guessed, *, aligned, sure_from):
    """One picture after the other, one leaf after the other."""
    nodes, kinds, posteriors = [], [], []
    for row, node, kind in zip(log_probs, targets.nodes.tolist(), targets.kinds.tolist(), strict=True):
        below = [tree.is_at_or_below(int(leaf), node) for leaf in tree.leaves]
        allowed = [not b for b in below] if kind == IS_NOT else below
        mass = np.array([np.exp(row[leaf]) * ok for leaf, ok in zip(tree.leaves, allowed, strict=True)])
        posterior = mass / mass.sum()
        posteriors.append(posterior)
        weighed = posterior * prior / guessed if aligned else posterior
        weighed = weighed / weighed.sum()
        sure = weighed.max() >= sure_from and kind != NONE_HERE
        nodes.append(int(tree.leaves[weighed.argmax()]) if sure else node)
        kinds.append(IS if sure else kind)
    return nodes, kinds, 0.99 * guessed + 0.01 * np.mean(posteriors, 0)


@pytest.mark.parametrize("aligned", [True, False])
def test_sure_guesses_inside_the_label_take_its_place(aligned):
    rng = np.random.default_rng(5)
    for seed in range(5):
        tree = random_tree(np.random.default_rng(seed), 30)
        inner = np.flatnonzero(tree.leaf_counts > 1)
        leaves = len(tree.leaves)
        log_probs = leaf_log_marginals(torch.tensor(rng.normal(0, 3, (40, leaves)), dtype=torch.float32), tree)
        kinds = rng.choice([IS, IS_NOT, NONE_HERE], 40)
        nodes = np.where(kinds == IS_NOT, rng.choice(tree.leaves, 40), rng.choice(inner, 40))
        targets = Targets(torch.tensor(nodes), torch.tensor(kinds), torch.ones(40))
        prior, guessed = (torch.tensor(rng.dirichlet(np.full(leaves, 3.0)), dtype=torch.float32) for _ in range(2))
        expected = by_hand(
            tree, log_probs.numpy(), targets, prior.numpy(), guessed.numpy(), aligned=aligned, sure_from=0.6
        )
        guesser = PseudoLabels(tree, Switches(aligned=aligned, sure_from=0.6), prior, guessed)
        narrowed = guesser.narrowed(log_probs, targets)
        assert narrowed.nodes.tolist() == expected[0]
        assert narrowed.kinds.tolist() == expected[1]
        np.testing.assert_allclose(guesser.guessed, expected[2], atol=1e-6)
        assert narrowed.nodes.tolist() != nodes.tolist()  # some were sure


def test_no_guess_leaves_its_label():
    tree = random_tree(np.random.default_rng(3), 25)
    nodes = torch.arange(len(tree))
    for kind in (IS, IS_NOT):
        allowed = allowed_leaves(tree, Targets(nodes, torch.full_like(nodes, kind), torch.ones(len(tree))))
        for node in range(len(tree)):
            below = [tree.is_at_or_below(int(leaf), node) for leaf in tree.leaves]
            assert allowed[node].tolist() == [b if kind == IS else not b for b in below]


def test_leaves_are_expected_as_often_as_exact_labels_say(tiny_tree):
    # Exact: gull-like three times, tug once by its parent, an only child's. Vague: albatross twice, "not owl" once.
    said = [("gull-like", IS)] * 3 + [("steamer", IS), ("albatross", IS), ("albatross", IS), ("owl", IS_NOT)]
    nodes = np.array([tiny_tree.index(key) for key, _ in said])
    data = SimpleNamespace(
        nodes=nodes, kinds=np.array([kind for _, kind in said]), vague=np.array([False] * 4 + [True] * 3)
    )
    # counts + 1: black-footed 1, gull-like 4, owl 1, tug 2; "not owl" spreads over 1 + 4 + 2
    expected = {"black-footed": 2 / 5 + 1 / 7, "gull-like": 8 / 5 + 4 / 7, "owl": 0.0, "tug": 2 / 7}
    shares = expected_leaves(tiny_tree, data)
    for place, leaf in enumerate(tiny_tree.leaves):
        assert shares[place] == pytest.approx(expected[tiny_tree.keys[leaf]] / 3)


@pytest.mark.parametrize("model", LEARNERS)
def test_every_model_can_teach_itself(train, model):
    assert train(model=model, epochs=2, **QUICK).checkpoint


def test_a_self_taught_run_goes_on_exactly_where_it_was(train):
    straight = train("straight", **QUICK)
    assert train("broken", **QUICK, should_stop=StopAfter(7)).stopped
    assert_same_weights(straight, train("broken", **QUICK))


def test_with_exact_labels_alone_the_switches_change_nothing(train, samples, tiny_tree):
    exact = [sample for sample in samples[:18] if tiny_tree.is_leaf[sample.node]]
    plain = train("plain", labels=exact)
    both = {"exact_share": 0.5, "pseudo_labels": True}
    assert_same_weights(plain, train("taught", labels=exact, switches=both))


# --- views and the levels above ---------------------------------------------------------------------------------------


def test_strong_views_hide_a_square_of_the_plain_one():
    pixels = torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8)
    told = {"side": 32, "seed": 1, "epoch": 0, "step": 5}
    plain, strong = (random_views(pixels, kind=kind, **told) for kind in ("plain", "strong"))
    hidden = (plain != strong).any(1)
    shares = hidden.float().mean((1, 2))
    assert shares.max() <= HIDDEN_SIDE**2 + 0.05 and shares.min() > 0.04  # a quarter of it at least lies inside
    for one in hidden:
        rows, columns = torch.nonzero(one.any(1))[:, 0], torch.nonzero(one.any(0))[:, 0]
        assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].float().mean() > 0.95  # a rectangle


def test_hrns_views_are_cuts_of_one_size_and_weak_ones_nearly_whole():
    across = torch.arange(550, dtype=torch.float32).mul(255 / 549).round().to(torch.uint8)
    ramp = across.expand(64, 3, 550, 550)
    cut = random_views(ramp, side=448, seed=0, epoch=0, step=0, kind="hrn").float()
    inside = cut[:, 0, 224, 20:-20]
    slope = (inside[:, -1] - inside[:, 0]).abs() / (inside.shape[1] - 1) * 549 / 255
    assert torch.allclose(slope, torch.ones(64), atol=0.02)  # a pixel is a pixel: nothing is made larger
    assert len({float(value) for value in inside[:, 0]}) > 10
    weak = weak_views(ramp, side=550, seed=0, epoch=0, step=0)
    mirrored = (weak[:, 0, 275, 400] < weak[:, 0, 275, 150]).float().mean()
    assert 0.2 < mirrored < 0.8
    assert torch.equal(weak, weak_views(ramp, side=550, seed=0, epoch=0, step=0))


def test_the_levels_above_cost_what_they_are_worth():
    rng = np.random.default_rng(0)
    tree = random_tree(rng, 30)
    log_probs = leaf_log_marginals(torch.tensor(rng.normal(size=(50, len(tree.leaves)))), tree)
    nodes, kinds = rng.integers(0, len(tree), 50), rng.choice([IS, IS_NOT, NONE_HERE], 50)
    weights = rng.uniform(0.5, 2, 50)
    costs = [
        0.0 if kind == IS_NOT else -sum(float(row[above]) for above in tree.path(int(node))[:-1])
        for row, node, kind in zip(log_probs, nodes, kinds, strict=True)
    ]
    targets = Targets(torch.tensor(nodes), torch.tensor(kinds), torch.tensor(weights))
    expected = np.average(costs, weights=weights)
    assert float(ancestor_loss(log_probs, targets, tree)) == pytest.approx(expected)
    assert expected > 0


def test_a_weight_on_the_levels_above_changes_what_is_learned(train):
    plain, weighed = train("plain"), train("weighed", switches={"ancestor_weight": 1.0})
    assert plain.metrics is not None and weighed.checkpoint
    with pytest.raises(AssertionError):
        assert_same_weights(plain, weighed)


# --- on the screen ----------------------------------------------------------------------------------------------------


def test_a_run_tells_its_recipe_and_what_it_does_otherwise(labelled_workspace):
    ws = labelled_workspace
    asked = RunConfig(model="flat", backbone="resnet_mini", recipe="balanced", switches={"sure_from": 0.9})
    one, other = (training.run(ws, training.queue_run(ws, config)) for config in (asked, RunConfig(model="flat")))
    shown = settings_of(one, other)
    assert "sure_from" in shown and "averaged" not in shown
    assert [said(run, "recipe") for run in (one, other)] == ["Balanced", "Plain"]
    assert [said(run, "sure_from") for run in (one, other)] == ["0.9", "–"]
