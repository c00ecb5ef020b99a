"""Trainings that cannot be, or that go wrong half-way: each says what is wrong and what to do, and loses nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import label
from PIL import Image

from hmgc_core import evaluation, worker
from hmgc_core.errors import BadConfig, Diverged, NotTrainable, OutOfMemory, WeightsError
from hmgc_core.learning import epochs, inference, steps
from hmgc_core.learning import training as fitting
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.devices import ComputeDevice, pick_device
from hmgc_core.learning.resume import FILE
from hmgc_core.learning.training import FitResult, fit
from hmgc_core.models.catalog import build_backbone, check
from hmgc_core.records import IS, IS_NOT, NONE_HERE, EpochMetrics, RunConfig, Sample
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=3, batch_size=4, lr=0.05, device="cpu")
MODELS = ("flat", "hrn", "per_level", "coarse_fine")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Eight pictures of noise."""
    made = []
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3)).astype(np.uint8)
        made.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(made[-1])
    return made


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., FitResult]:
    """fit in tmp_path/run, without validation pictures unless some are given."""

    def start(tree: Taxonomy, samples: list[Sample], valid: list[Sample] | None = None, **given: object) -> FitResult:
        config = replace(SMALL, **given)
        return fit(config, tree, samples, valid or [], folder=tmp_path / "run", cache=tmp_path / "cache")

    return start


# --- trees and labels that teach little or nothing --------------------------------------------------------------------


@pytest.mark.parametrize("edges", [[("life", "")], [("a", ""), ("b", "a"), ("c", "b")]])
def test_a_tree_with_nothing_to_tell_apart_is_refused(train, photos, edges):
    tree = Taxonomy.from_edges(edges)
    with pytest.raises(NotTrainable, match="single class") as caught:
        train(tree, [Sample(path, len(tree) - 1) for path in photos])
    assert "add classes" in caught.value.remedy


@pytest.mark.parametrize("model", MODELS)
def test_a_leaf_with_one_image_a_level_of_one_node_and_mixed_kinds_are_trained(train, photos, model):
    tree = Taxonomy.from_edges([("all", ""), ("a", "all"), ("b", "all"), ("b1", "b"), ("b2", "b")])
    a, b, b1 = (tree.index(key) for key in ("a", "b", "b1"))
    samples = [Sample(path, a) for path in photos[:3]]
    samples += [
        Sample(photos[3], b1),
        Sample(photos[4], b, NONE_HERE),
        Sample(photos[5], a, IS_NOT),
        Sample(photos[6], 0),
    ]
    result = train(tree, samples, [Sample(photos[7], b)], model=model, epochs=1)
    assert load_checkpoint(result.checkpoint).epoch == 0


def test_only_labels_at_the_root_are_refused_before_a_run_is_queued(workspace: Workspace):
    with pytest.raises(NotTrainable, match="no label"):
        training.queue_run(workspace, SMALL)
    label(workspace, 1, "life")
    label(workspace, 2, "life")
    with pytest.raises(NotTrainable, match="root") as caught:
        training.queue_run(workspace, SMALL)
    assert caught.value.remedy and training.all_runs(workspace) == []


# --- learning from the finest labels only -----------------------------------------------------------------------------


def test_dropping_coarse_labels_leaves_those_that_name_one_leaf(train, photos, tiny_tree, monkeypatch):
    seen = []
    learn = epochs.EpochLoop.train_one_epoch
    monkeypatch.setattr(epochs.EpochLoop, "train_one_epoch", lambda loop: (seen.append(loop.data), learn(loop)))
    said = [
        ("owl", IS),
        ("ship", IS),
        ("steamer", NONE_HERE),
        ("tug", IS),
        ("bird", IS),
        ("albatross", IS_NOT),
        ("life", IS),
    ]
    samples = [Sample(path, tiny_tree.index(key), kind) for path, (key, kind) in zip(photos, said, strict=False)]
    result = train(tiny_tree, samples, drop_coarse=True, epochs=1)
    assert [tiny_tree.keys[node] for node in seen[0].nodes] == ["owl", "ship", "steamer", "tug"]
    assert any(remark == "left out, as asked: 3 labels above the finest level" for remark in result.remarks)
    assert not any("left out" in remark for remark in train(tiny_tree, samples, epochs=1).remarks)


def test_dropping_every_label_is_refused_with_a_remedy(train, photos, tiny_tree, workspace: Workspace):
    samples = [Sample(path, tiny_tree.index("bird")) for path in photos]
    with pytest.raises(NotTrainable, match="0 training pictures") as caught:
        train(tiny_tree, samples, drop_coarse=True)
    assert "use the coarser labels too" in caught.value.remedy
    label(workspace, 1, "bird")
    label(workspace, 2, "albatross")
    with pytest.raises(NotTrainable, match="no label is at the finest level") as caught:
        training.queue_run(workspace, replace(SMALL, drop_coarse=True))
    assert "use the coarser labels too" in caught.value.remedy
    training.queue_run(workspace, SMALL)


# --- a loss that is no number any more --------------------------------------------------------------------------------


@pytest.fixture
def breaks_in_epoch(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """From this epoch on, counted from 1, every loss is NaN."""

    def set_up(number: int) -> None:
        learn = steps.Steps.learn

        def spoiled(these, *batch, **numbers):
            if these.state.epoch + 1 >= number:
                with torch.no_grad():
                    next(these.state.model.head.parameters()).fill_(torch.nan)
            return learn(these, *batch, **numbers)

        monkeypatch.setattr(steps.Steps, "learn", spoiled)

    return set_up


def halves(tree: Taxonomy, photos: list[Path]) -> tuple[list[Sample], list[Sample]]:
    samples = [Sample(path, tree.index(["owl", "tug"][i % 2])) for i, path in enumerate(photos)]
    return samples[:6], samples[6:]


def test_the_last_good_epoch_is_kept_where_the_loss_stops_being_a_number(train, photos, tiny_tree, breaks_in_epoch):
    breaks_in_epoch(3)
    with pytest.raises(Diverged, match=r"nan in epoch 3, step 1; the model of epoch [12] is kept") as caught:
        train(tiny_tree, *halves(tiny_tree, photos))
    assert "0.005" in caught.value.remedy
    kept = load_checkpoint(Path(caught.value.checkpoint))
    assert kept.epoch in (0, 1) and all(torch.isfinite(value).all() for value in kept.model.state_dict().values())


def test_without_a_good_epoch_nothing_is_kept(train, photos, tiny_tree, breaks_in_epoch, tmp_path):
    breaks_in_epoch(1)
    with pytest.raises(Diverged, match=r"nan in epoch 1, step 1$") as caught:
        train(tiny_tree, *halves(tiny_tree, photos))
    assert caught.value.checkpoint == "" and not (tmp_path / "run" / "checkpoint").exists()


@pytest.mark.parametrize(("size", "what"), [(torch.inf, "weights"), (3e38, "answers")])  # 3e38: just a number
def test_weights_that_the_last_step_spoiled_are_never_kept(train, photos, tiny_tree, monkeypatch, size, what):
    learn = epochs.EpochLoop.train_one_epoch

    def spoiled(loop):
        learn(loop)
        if loop.state.epoch == 1:
            loop.state.model.head.weight.data.sign_().mul_(size)

    monkeypatch.setattr(epochs.EpochLoop, "train_one_epoch", spoiled)
    with pytest.raises(Diverged, match=f"the {what} were .* after epoch 2; the model of epoch 1 is kept") as caught:
        train(tiny_tree, *halves(tiny_tree, photos), epochs=2)
    assert load_checkpoint(Path(caught.value.checkpoint)).epoch == 0


def test_a_run_that_failed_so_can_be_asked_what_it_had_learned(labelled_workspace: Workspace, breaks_in_epoch):
    breaks_in_epoch(2)
    run_id = training.queue_run(labelled_workspace, SMALL)
    worker.wait_for(labelled_workspace, run_id, on_progress=lambda *_: None)
    run = training.run(labelled_workspace, run_id)
    assert run.status == "failed" and "the model of epoch 1 is kept" in run.error and run.remedy
    assert load_checkpoint(training.checkpoint_folder(run)).epoch == 0
    assert evaluation.measure(labelled_workspace, run, "test")["images"] > 0


# --- memory that does not suffice -------------------------------------------------------------------------------------


def no_gpu_memory(_views: torch.Tensor) -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB")


def no_memory(_views: torch.Tensor) -> torch.Tensor:
    return torch.empty(2**60, dtype=torch.uint8)  # what torch then says is the processor's own error


@pytest.mark.parametrize("fails", [no_gpu_memory, no_memory])
@pytest.mark.parametrize(("where", "words"), [(steps, "training flat"), (inference, "predictions of 2 pictures")])
def test_too_little_memory_is_an_error_with_a_remedy(train, photos, tiny_tree, monkeypatch, fails, where, words):
    monkeypatch.setattr(where, "normalise", fails)
    with pytest.raises(OutOfMemory, match=words) as caught:
        train(tiny_tree, *halves(tiny_tree, photos))
    assert "smaller batch" in caught.value.remedy and "smaller pictures" in caught.value.remedy


@pytest.fixture
def room_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A device on which steps of more pictures than this do not fit."""

    def set_up(pictures: int) -> None:
        def forward(lesson, images, targets):
            if len(images) > pictures:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB")
            return learn(lesson, images, targets)

        learn = steps._Lesson.forward
        monkeypatch.setattr(steps._Lesson, "forward", forward)

    return set_up


# Without norms over the batch, two halves give the gradients of the whole.
NO_NORMS = {"backbone": "timm:test_vit", "image_size": 32, "batch_size": 6, "epochs": 2}


def test_steps_that_do_not_fit_are_learned_in_two_halves(train, photos, tiny_tree, room_for, tmp_path):
    straight = train(tiny_tree, *halves(tiny_tree, photos), **NO_NORMS)
    (tmp_path / "run").rename(tmp_path / "straight")
    room_for(3)
    halved = train(tiny_tree, *halves(tiny_tree, photos), **NO_NORMS)
    assert [remark for remark in halved.remarks if remark not in straight.remarks] == [
        "there was not enough memory for 6 pictures at a time: "
        "steps learn them in two halves, so they are as many as asked for, and slower"
    ]
    one, other = (load_checkpoint(tmp_path / name / "checkpoint").model.state_dict() for name in ("straight", "run"))
    tolerance = 0.02 if pick_device("cpu").half else 1e-4
    for name, tensor in one.items():
        torch.testing.assert_close(other[name], tensor, rtol=tolerance, atol=tolerance)


def test_a_run_goes_on_in_halves(photos, tiny_tree, room_for, tmp_path):
    samples, valid = halves(tiny_tree, photos)
    settings = replace(SMALL, **{**NO_NORMS, "batch_size": 4})
    room_for(2)
    told = {"folder": tmp_path / "run", "cache": tmp_path / "cache"}
    asked = iter([False] * 3 + [True] * 9)
    assert fit(settings, tiny_tree, samples, valid, **told, should_stop=lambda: next(asked)).stopped
    assert torch.load(tmp_path / "run" / FILE, weights_only=True)["parts"] == 2
    assert len([r for r in fit(settings, tiny_tree, samples, valid, **told).remarks if "two halves" in r]) == 1


def test_what_does_not_fit_in_halves_either_is_the_error(train, photos, tiny_tree, room_for):
    room_for(2)
    with pytest.raises(OutOfMemory, match="6 pictures of 32 px"):
        train(tiny_tree, *halves(tiny_tree, photos), **NO_NORMS)


def test_other_faults_are_not_taken_for_it(train, photos, tiny_tree, monkeypatch):
    def fault(_views: torch.Tensor) -> torch.Tensor:
        return torch.ones(2, 3) @ torch.ones(2, 3)

    monkeypatch.setattr(steps, "normalise", fault)
    with pytest.raises(RuntimeError, match="shapes"):
        train(tiny_tree, *halves(tiny_tree, photos))


# --- settings that cannot be: said before anything is read ------------------------------------------------------------

IMPOSSIBLE = [
    ({"backbone": "vig_ti", "image_size": 24}, BadConfig, "no cells"),
    ({"backbone": "resnet_mini", "weights": "imagenet"}, WeightsError, "no ImageNet weights to fetch for resnet_mini"),
    ({"backbone": "vig_ti", "image_size": 32, "weights": "imagenet"}, WeightsError, "no ImageNet weights"),
    ({"backbone": "clip:RN50", "weights": "imagenet"}, WeightsError, "no ImageNet weights"),
    ({"backbone": "clip:tiny", "weights": "openai"}, WeightsError, "no weights file openai"),
    ({"weights": "~/gone.pt"}, WeightsError, "no weights file"),
    ({"model": "hgrnet", "backbone": "resnet18"}, BadConfig, "reads the names"),
    ({"model": "hgrnet", "backbone": "clip:tiny", "options": {"prompt": "a bird"}}, BadConfig, r"has no \{\}"),
    ({"model": "hmgn", "options": {"word_vectors": "gone.txt"}}, BadConfig, "no file"),
]


def test_what_can_be_known_at_once_is_refused_when_a_run_is_queued(labelled_workspace):
    for given, error, words in IMPOSSIBLE:
        with pytest.raises(error, match=words) as caught:
            training.queue_run(labelled_workspace, replace(SMALL, **given))
        assert caught.value.remedy, given
    assert training.all_runs(labelled_workspace) == []


def test_classes_without_names_are_nothing_to_read():
    numbers = Taxonomy.from_edges([("0", ""), ("1", ""), ("2_1", "1")])
    config = replace(SMALL, model="clip_zero_shot", backbone="clip:tiny")
    with pytest.raises(BadConfig, match="these have none: '0', '1', '2_1'") as caught:
        check(config, numbers)
    assert "taxonomy page" in caught.value.remedy
    check(config, Taxonomy.from_edges([("747", ""), ("A320", "")]))
    check(SMALL, numbers)


@pytest.mark.parametrize(
    "given",
    [
        {"weights": "/nowhere.pt"},
        {"backbone": "vig_ti"},
        {"backbone": "timm:efficientformer_l1"},
        {"model": "hgrnet", "backbone": "clip:ViT-B-32"},
    ],
)
def test_a_model_that_cannot_be_built_fails_before_pictures_are_decoded(train, photos, tiny_tree, monkeypatch, given):
    monkeypatch.setattr(fitting, "decode_pictures", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises((BadConfig, WeightsError)):
        train(tiny_tree, *halves(tiny_tree, photos), **given)


def test_a_home_folder_is_found_and_kept_as_a_whole_path(labelled_workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.save(build_backbone(SMALL).state_dict(), tmp_path / "mini.pt")
    assert build_backbone(replace(SMALL, weights="~/mini.pt")).pretrained
    towers = replace(SMALL, model="hgrnet", backbone="clip:tiny")
    torch.save(build_backbone(towers).state_dict(), tmp_path / "clip.pt")
    assert build_backbone(replace(towers, weights="~/clip.pt")).pretrained
    run_id = training.queue_run(labelled_workspace, replace(SMALL, weights="~/mini.pt"))
    assert training.run(labelled_workspace, run_id).config.weights == str(tmp_path / "mini.pt")


# --- losses that are read now and then, as on a GPU -------------------------------------------------------------------


class Beside(ComputeDevice):
    """The processor, treated as a device that works while others go on."""

    works_beside = True
    ready = staticmethod(torch.from_numpy)

    def random_from(self, *key: int) -> AbstractContextManager[None]:
        return pick_device("cpu").random_from(*key)


@pytest.fixture
def beside(monkeypatch) -> list[int]:
    """Trainings run on such a device; the list gets how many losses each look at it took."""
    looks: list[int] = []
    read = epochs.EpochLoop._read_losses

    def counted(loop: epochs.EpochLoop) -> None:
        looks.extend([len(loop.unread)] if loop.unread else [])
        read(loop)

    monkeypatch.setattr(
        fitting, "pick_device", lambda _wanted: Beside(torch.device("cpu"), half=pick_device("cpu").half)
    )
    monkeypatch.setattr(epochs.EpochLoop, "_read_losses", counted)
    monkeypatch.setattr(epochs, "PROGRESS_EVERY_S", 1e9)
    return looks


def test_losses_are_read_together_and_add_up_to_the_same(photos, tiny_tree, tmp_path, monkeypatch, request):
    samples, valid = halves(tiny_tree, photos)
    told: dict[str, list[EpochMetrics]] = {"straight": [], "beside": []}
    settings = replace(SMALL, batch_size=2)
    for name, epochs_told in told.items():
        looks = request.getfixturevalue("beside") if name == "beside" else []
        result = fit(settings, tiny_tree, samples, valid, folder=tmp_path / name, cache=tmp_path / "c",
                     on_epoch=epochs_told.append)  # fmt: skip
        assert result.checkpoint
    assert looks == [1, 2, 3, 3]  # at the first step, which is told at once, then at the end of each epoch
    assert [one.train_loss for one in told["straight"]] == [one.train_loss for one in told["beside"]]


@pytest.mark.usefixtures("beside")
def test_a_loss_that_is_no_number_is_found_late_but_named_exactly(train, photos, tiny_tree, breaks_in_epoch):
    breaks_in_epoch(3)
    with pytest.raises(Diverged, match=r"nan in epoch 3, step 1; the model of epoch [12] is kept") as caught:
        train(tiny_tree, *halves(tiny_tree, photos), batch_size=2)
    kept = load_checkpoint(Path(caught.value.checkpoint))
    assert kept.epoch in (0, 1) and all(torch.isfinite(value).all() for value in kept.model.state_dict().values())


@pytest.mark.usefixtures("beside")
def test_a_state_that_is_no_number_is_not_saved_by_a_stop(photos, tiny_tree, tmp_path, breaks_in_epoch):
    breaks_in_epoch(1)
    samples, _ = halves(tiny_tree, photos)
    asked = iter([False] * 3 + [True] * 9)  # once while pictures are read, then before each step
    with pytest.raises(Diverged, match="epoch 1, step 1"):
        fit(replace(SMALL, batch_size=2), tiny_tree, samples, [], folder=tmp_path / "run", cache=tmp_path / "cache",
            should_stop=lambda: next(asked))  # fmt: skip
    assert not (tmp_path / "run" / FILE).exists()
