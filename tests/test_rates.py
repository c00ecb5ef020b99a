"""How fast what learns: weights that were given slowly, transformers and graphs with AdamW; and the run says so."""

import pytest
import safetensors.torch
import torch
from small_trainings import COLOURS, weights_of

from hmgc_core.models.base import ADAMW_LR_FACTOR, PRETRAINED_LR_FACTOR
from hmgc_core.models.catalog import build_backbone, build_model
from hmgc_core.records import RunConfig, Sample


@pytest.fixture
def weights(tmp_path):
    """A file with weights for a backbone, from a random net."""

    def write(backbone: str, **settings) -> str:
        trunk = build_backbone(RunConfig(backbone=backbone, **settings))
        path = tmp_path / f"{backbone.replace(':', '-')}.safetensors"
        safetensors.torch.save_file({name: t.contiguous() for name, t in trunk.state_dict().items()}, path)
        return str(path)

    return write


def rates(model, config) -> tuple[torch.optim.Optimizer, dict[str, float]]:
    """The optimizer, and by the name of each parameter its share of the run's learning rate."""
    optimizer = model.optimizer(config)
    share = {id(p): group["lr_factor"] for group in optimizer.param_groups for p in group["params"]}
    assert len(share) == sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))
    return optimizer, {name: share[id(p)] for name, p in model.named_parameters()}


def of_trunk(shares: dict[str, float]) -> set[float]:
    return {share for name, share in shares.items() if "trunk" in name}


def of_the_rest(shares: dict[str, float]) -> set[float]:
    return {share for name, share in shares.items() if "trunk" not in name}


@pytest.mark.parametrize("model", ["flat", "ps", "per_level", "soft_margin", "hrn", "hmgn", "coarse_fine"])
def test_given_weights_learn_slowly_and_what_is_new_as_ever(tiny_tree, weights, model):
    plain = RunConfig(model, "resnet_mini", image_size=32)
    _, before = rates(build_model(model, tiny_tree, plain), plain)
    config = RunConfig(model, "resnet_mini", image_size=32, weights=weights("resnet_mini"))
    filled = build_model(model, tiny_tree, config)
    optimizer, after = rates(filled, config)
    assert isinstance(optimizer, torch.optim.SGD)
    assert of_trunk(before) == {1.0} and of_trunk(after) == {PRETRAINED_LR_FACTOR}
    assert of_the_rest(after) == of_the_rest(before)
    highest = max(of_the_rest(after)) * 0.1
    assert filled.remarks[0].endswith(f"at most at 0.002, what is new at most at {highest:g}")


@pytest.mark.parametrize("model", ["hrn", "hmgn"])
def test_new_layers_of_hrn_learn_ten_times_as_fast_as_a_given_backbone_as_published(tiny_tree, weights, model):
    config = RunConfig(model, "resnet_mini", image_size=32, weights=weights("resnet_mini"))
    _, shares = rates(build_model(model, tiny_tree, config), config)
    assert max(of_the_rest(shares)) == pytest.approx(10 * max(of_trunk(shares)))


def test_without_weights_nothing_changes(tiny_tree):
    config = RunConfig("flat", "resnet_mini", image_size=32)
    model = build_model("flat", tiny_tree, config)
    optimizer, shares = rates(model, config)
    assert set(shares.values()) == {1.0} and len(optimizer.param_groups) == 1 and model.remarks == ()


ADAMW = ["timm:test_vit", "timm:test_convnext", "clip:tiny", "vig_ti", "pyramid_graphconvnet_ti"]
SGD = ["resnet18", "resnet_mini", "timm:test_resnet", "timm:test_efficientnet"]


@pytest.mark.parametrize("backbone", [*ADAMW, *SGD])
def test_transformers_and_graphs_learn_with_adamw_and_convolutions_with_sgd(tiny_tree, backbone):
    config = RunConfig("flat", backbone, image_size=64, lr=0.2, weight_decay=1e-4)
    model = build_model("flat", tiny_tree, config)
    optimizer, shares = rates(model, config)
    assert isinstance(optimizer, torch.optim.AdamW) is (backbone in ADAMW)
    if backbone in SGD:
        assert model.remarks == ()
        return
    assert set(shares.values()) == {ADAMW_LR_FACTOR}
    assert ["the learning rate 0.2 stands for at most 0.001" in remark for remark in model.remarks] == [True]
    for group in optimizer.param_groups:
        assert group["weight_decay"] == (0 if group["params"][0].ndim < 2 else pytest.approx(0.01))
        assert len({p.ndim < 2 for p in group["params"]}) == 1


def test_a_given_transformer_has_both_shares(tiny_tree, weights):
    config = RunConfig("flat", "timm:test_vit", image_size=32, weights=weights("timm:test_vit", image_size=32))
    model = build_model("flat", tiny_tree, config)
    _, shares = rates(model, config)
    assert of_trunk(shares) == {ADAMW_LR_FACTOR * PRETRAINED_LR_FACTOR} and of_the_rest(shares) == {ADAMW_LR_FACTOR}
    assert "stands for at most 0.0005" in model.remarks[0] and "at most at 1e-05" in model.remarks[1]


def test_a_transformer_learns_at_the_default_learning_rate(train, samples, tiny_tree):
    valid = [Sample(s.path, tiny_tree.index(list(COLOURS)[i % 4])) for i, s in enumerate(samples)]
    result = train(backbone="timm:test_vit", image_size=32, epochs=15, lr=RunConfig().lr, valid=valid)
    assert result.metrics["leaf_accuracy"] >= 0.9
    assert any("AdamW" in remark for remark in result.remarks)


def test_a_run_keeps_what_its_given_backbone_knew(train, weights):
    path, name = weights("resnet_mini"), "blocks.2.conv2.weight"
    before = safetensors.torch.load_file(path)[name]
    result = train(epochs=2, lr=0.1, weights=path)
    after = weights_of(result)[f"trunk.{name}"]
    assert 0 < (after - before).norm() < 0.02 * before.norm()
    assert any("given weights" in remark for remark in result.remarks)
