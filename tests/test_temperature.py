"""Stated certainties become honest, and no answer changes."""

import json
import math

import numpy as np
import pytest
import torch

from hmgc_core.learning.temperature import fit_temperature, golden_section, tempered
from hmgc_core.losses import leaf_log_marginals, marginal_loss
from hmgc_core.metrics import calibration_error
from hmgc_core.taxonomy import Taxonomy


@pytest.fixture
def tree() -> Taxonomy:
    """30 classes of 5 groups, and one top class without any below."""
    return Taxonomy.from_edges([("lonely", ""), *((f"c{i}", f"g{i % 5}") for i in range(30))])


def overconfident(tree: Taxonomy, count: int = 3000, *, by: float = 4.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Leaf logits of a head that says `by` times what it knows, and the true leaves, as nodes."""
    generator = torch.Generator().manual_seed(0)
    known = torch.randn(count, len(tree.leaves), generator=generator) * 1.5
    places = torch.multinomial(torch.softmax(known, 1), 1, generator=generator)[:, 0]
    return known * by, torch.as_tensor(tree.leaves)[places]


def ece(tree: Taxonomy, log_probs: torch.Tensor, nodes: torch.Tensor) -> float:
    confidence, best = log_probs[:, tree.leaves].exp().max(1)
    return calibration_error(confidence.numpy(), tree.leaves[best] == nodes.numpy())


def test_it_finds_how_much_a_head_exaggerates_and_lowers_its_calibration_error(tree):
    logits, nodes = overconfident(tree)
    said = leaf_log_marginals(logits, tree)
    temperature = fit_temperature(said[:, tree.leaves], nodes, tree)
    assert temperature == pytest.approx(4, rel=0.1)
    honest = tempered(said, tree, temperature)
    assert ece(tree, said, nodes) > 0.2
    assert ece(tree, honest, nodes) < 0.03


def test_labels_above_the_leaves_are_enough(tree):
    logits, nodes = overconfident(tree)
    coarse = torch.where(torch.arange(len(nodes)) % 2 == 0, nodes, torch.as_tensor(tree.parents)[nodes])
    assert fit_temperature(logits, coarse, tree) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 3.7])
def test_no_answer_changes_and_levels_stay_consistent(tree, temperature):
    said = leaf_log_marginals(overconfident(tree, 50)[0], tree)
    told = tempered(said, tree, temperature)
    order = torch.argsort(said[:, tree.leaves], stable=True)
    assert (told[:, tree.leaves].gather(1, order).diff() >= 0).all()
    probs = told.exp()
    assert torch.allclose(probs[:, 0], torch.ones(50))
    for node in np.flatnonzero(~tree.is_leaf):
        assert torch.allclose(probs[:, tree.children(node)].sum(1), probs[:, node], atol=1e-5)
    if temperature == 1:
        assert torch.allclose(told, said, atol=1e-5)


def test_shares_that_are_capped_or_stop_above_the_leaves_are_shared_out_among_them(tree):
    said = torch.full((1, len(tree)), -9.0)
    said[:, 0] = 0
    assert tempered(said, tree, 1.0)[:, tree.leaves].exp().sum().item() == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_few_images_that_are_all_right_do_not_make_it_certain(tree, count):
    logits = torch.zeros(count, len(tree.leaves))
    logits[:, 3] = 2.0
    temperature = fit_temperature(logits, torch.full((count,), int(tree.leaves[3])), tree)
    assert 0.1 < temperature < 1
    assert fit_temperature(logits, torch.zeros(count, dtype=torch.int64), tree) == pytest.approx(1, rel=0.01)


def test_the_search_finds_the_bottom_of_the_valley(tree):
    assert golden_section(lambda x: (x - 0.3) ** 2, -3, 3, 1e-4) == pytest.approx(0.3, abs=1e-3)
    logits, nodes = overconfident(tree, 300)
    grid = np.geomspace(0.5, 20, 200)
    costs = [marginal_loss(logits.double() / t, nodes, tree).sum().item() + math.log(t) ** 2 / 2 for t in grid]
    assert fit_temperature(logits, nodes, tree) == pytest.approx(grid[int(np.argmin(costs))], rel=0.03)


def test_a_checkpoint_keeps_its_temperature(tmp_path, tiny_tree):
    from hmgc_core.learning.checkpoints import load_checkpoint, save_checkpoint
    from hmgc_core.models.catalog import build_model
    from hmgc_core.records import RunConfig

    config = RunConfig(model="flat", backbone="resnet_mini", image_size=16)
    weights = build_model("flat", tiny_tree, config).state_dict()
    given = {"config": config, "taxonomy": tiny_tree, "weights": weights, "epoch": 0, "metrics": {}}
    save_checkpoint(tmp_path / "plain", **given)
    assert load_checkpoint(tmp_path / "plain").temperature == 1
    folder = save_checkpoint(tmp_path / "calibrated", **given, calibration={"temperature": 1.75})
    assert json.loads((folder / "checkpoint.json").read_text())["calibration"] == {"temperature": 1.75}
    assert load_checkpoint(folder).temperature == 1.75
