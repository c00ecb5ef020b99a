"""A run that was stopped goes on as if it had not been: its random numbers, its name, and without its first files."""

import pytest
import safetensors.torch
import timm
import torch
from small_trainings import StopAfter, assert_same_weights

from hmgc_core.learning import training
from hmgc_core.learning.devices import pick_device
from hmgc_core.learning.resume import FILE
from hmgc_core.models.catalog import build_backbone
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import Taxonomy

# --- nets that draw random numbers ------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing is saved."""


class KillAfter(StopAfter):
    """Dies at the n-th question."""

    def __call__(self) -> bool:
        if super().__call__():
            raise Killed
        return False


@pytest.fixture
def drops_at_random(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What trains a transformer that leaves out blocks and channels at random."""
    create = timm.create_model
    monkeypatch.setattr(
        timm, "create_model", lambda name, **given: create(name, drop_path_rate=0.5, proj_drop_rate=0.2, **given)
    )
    return {"backbone": "timm:test_vit", "image_size": 32, "epochs": 3, "batch_size": 6}


def test_a_run_is_the_same_whatever_was_drawn_before_it(train, drops_at_random):
    torch.manual_seed(1)
    one = train("one", **drops_at_random)
    torch.manual_seed(2)
    assert_same_weights(one, train("other", **drops_at_random))


@pytest.mark.parametrize("questions", [2, 5, 7])
def test_a_run_with_dropout_that_was_stopped_or_killed_amid_an_epoch_ends_the_same(train, drops_at_random, questions):
    straight = train("straight", **drops_at_random)
    torch.manual_seed(3)
    assert train("stopped", **drops_at_random, should_stop=StopAfter(questions)).stopped
    with pytest.raises(Killed):
        train("killed", **drops_at_random, should_stop=KillAfter(questions))
    torch.rand(7)
    assert_same_weights(straight, train("stopped", **drops_at_random))
    assert_same_weights(straight, train("killed", **drops_at_random))


def test_random_numbers_follow_from_the_key_and_leave_the_callers_alone():
    def drawn(*key: int) -> torch.Tensor:
        with pick_device("cpu").random_from(*key):
            return torch.rand(4)

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = drawn(0, 1, 2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, drawn(0, 1, 2))
    assert not any(torch.equal(first, drawn(*other)) for other in ((1, 1, 2), (0, 2, 2), (0, 1, 3)))


# --- the name of a run ------------------------------------------------------------------------------------------------


def test_a_run_of_the_first_version_keeps_its_name():
    tree = Taxonomy.from_edges([("bird", ""), ("owl", "bird"), ("gull", "bird"), ("ship", "")])
    config = RunConfig(model="hrn", backbone="resnet18", image_size=32, epochs=7, lr=0.05, seed=3)
    # Computed by version 0.2, whose settings were those up to `labelling`.
    known = "3379ba8b6453a04d238ae584e7d883b825207d430170099ba043e4ad8c624d6a"
    assert training._name_of(config, tree, "labels") == known


def test_settings_that_came_later_are_part_of_the_name_where_they_are_used():
    tree = Taxonomy.from_edges([("bird", ""), ("ship", "")])
    given = [{}, {"drop_coarse": True}, {"options": {"margin": 1.0}}, {"options": {"margin": 2.0}}, {"seed": 1}]
    names = [training._name_of(RunConfig(model="soft_margin", **one), tree, "labels") for one in given]
    assert len(set(names)) == len(names)
    assert training._name_of(RunConfig(model="soft_margin", device="cpu"), tree, "labels") == names[0]


def test_a_state_without_remarks_as_earlier_versions_left_it_is_taken_up(train, tmp_path):
    train(should_stop=StopAfter(5))
    path = tmp_path / "run" / FILE
    saved = torch.load(path, weights_only=True)
    del saved["remarks"]
    torch.save(saved, path)
    assert not any("started over" in remark for remark in train().remarks)


# --- first files that are gone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "backbone", "size"), [("flat", "resnet_mini", 16), ("hgrnet", "clip:tiny", 16)])
def test_a_run_goes_on_without_the_file_of_its_first_weights(train, tmp_path, model, backbone, size):
    settings = {"model": model, "backbone": backbone, "image_size": size, "epochs": 2}
    torch.manual_seed(0)
    trunk = build_backbone(RunConfig(model, backbone, image_size=size))
    file = tmp_path / "first.safetensors"
    tensors = {f"trunk.{name}": tensor.contiguous().clone() for name, tensor in trunk.state_dict().items()}
    safetensors.torch.save_file(tensors, file)
    straight = train("straight", **settings, weights=str(file))

    def stop_after_an_epoch() -> bool:
        return bool(told)

    told: list[object] = []
    settings["weights"] = str(file)
    assert train("broken", **settings, on_epoch=told.append, should_stop=stop_after_an_epoch).stopped
    file.unlink()
    resumed = train("broken", **settings)
    assert_same_weights(straight, resumed)
    assert resumed.remarks == straight.remarks and not any("at random" in remark for remark in resumed.remarks)


def test_a_run_goes_on_without_the_file_of_its_word_vectors(train, tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("owl " + " ".join(["0.1"] * 300) + "\n")
    settings = {"model": "hmgn", "epochs": 2, "options": {"word_vectors": str(file)}}
    straight = train("straight", **settings)
    assert train("broken", **settings, should_stop=StopAfter(5)).stopped
    file.unlink()
    resumed = train("broken", **settings)
    assert_same_weights(straight, resumed)
    assert resumed.remarks == straight.remarks and any("words.txt" in remark for remark in resumed.remarks)
