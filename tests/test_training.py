"""Training learns from mixed labels, stops at any batch, and goes on exactly where it was."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_trainings import COLOURS, StopAfter, assert_same_weights

from hmgc_core.errors import DeviceError, NotTrainable
from hmgc_core.learning import devices, epochs, steps
from hmgc_core.learning.batches import plan_epoch
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.devices import fitting_threads, pick_device
from hmgc_core.learning.inference import metrics_of, predict
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.learning.resume import FILE, drop_resume_state
from hmgc_core.learning.schedule import growth, one_cycle, view_side, work_before
from hmgc_core.learning.transforms import normalise, random_views
from hmgc_core.metrics import calibration_error, evaluate
from hmgc_core.models.catalog import MODELS, READING_NAMES, build_model
from hmgc_core.records import IS, IS_NOT, NONE_HERE, Progress, RunConfig, Sample, Stopped

# Those that learn from pictures alone; tests/test_hgrnet.py trains the others.
LEARNERS = [model for model in MODELS if model not in READING_NAMES]

# --- what is learned --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", LEARNERS)
def test_mixed_labels_teach_the_leaves(train, samples, tiny_tree, model):
    valid = [Sample(s.path, tiny_tree.index(list(COLOURS)[i % 4])) for i, s in enumerate(samples)]
    result = train(model=model, epochs=30, lr=0.1, valid=valid)
    assert result.metrics["leaf_accuracy"] >= 0.9
    np.testing.assert_equal(load_checkpoint(result.checkpoint).metrics, result.metrics)


def test_every_kind_of_statement_can_be_trained_on(train, samples, tiny_tree):
    kinds = [IS, IS_NOT, NONE_HERE]
    labels = [Sample(s.path, s.node, kinds[i % 3], 1.0 + i) for i, s in enumerate(samples)]
    for model in LEARNERS:
        assert train(model, model=model, epochs=1, labels=labels).checkpoint


@pytest.mark.parametrize(("model", "has_stops"), [("flat", False), ("per_level", False), ("hrn", True)])
def test_a_missing_kind_that_the_model_cannot_say_is_counted_and_told(train, samples, model, has_stops):
    labels = [Sample(s.path, s.node, NONE_HERE if i < 3 else IS) for i, s in enumerate(samples)]
    told = [
        remark for remark in train(model=model, epochs=1, labels=labels).remarks if "missing from the tree" in remark
    ]
    assert told == [] if has_stops else told[0].startswith("3 labels")


def test_the_best_epoch_is_kept_and_the_later_one_at_a_tie(train, monkeypatch):
    scores = iter([0.5, 0.7, 0.7, 0.2])
    monkeypatch.setattr(epochs, "measure", lambda *_, **__: {"h_recall": next(scores)})
    result = train(epochs=4)
    assert (result.epoch, result.metrics) == (2, {"h_recall": 0.7})


def test_without_validation_pictures_the_last_epoch_is_kept_and_said(train):
    result = train(valid=[])
    assert result.epoch == 2
    assert result.metrics == {}
    assert any("validation" in remark for remark in result.remarks)


def test_unreadable_pictures_are_skipped_and_named(train, samples):
    samples[0].path.write_bytes(b"")
    samples[20].path.unlink()
    result = train(epochs=1)
    assert [skip.path for skip in result.skipped] == [samples[0].path, samples[20].path]


@pytest.mark.parametrize("which", ["nothing", "one picture", "roots only", "impossible only", "unreadable"])
def test_labels_that_teach_nothing_are_refused_with_a_remedy(train, samples, which):
    labels = {
        "nothing": [],
        "one picture": samples[:1],
        "roots only": [Sample(s.path, 0) for s in samples],
        "impossible only": [Sample(s.path, 0, IS_NOT) for s in samples],
        "unreadable": [Sample(Path("/nowhere.png"), s.node) for s in samples],
    }[which]
    with pytest.raises(NotTrainable) as caught:
        train(labels=labels)
    assert caught.value.remedy


def test_a_loss_that_is_no_number_ends_with_a_remedy(train, monkeypatch):
    monkeypatch.setattr(steps, "normalise", lambda views: views * math.nan)
    with pytest.raises(NotTrainable, match="loss") as caught:
        train(lr=0.2)
    assert "0.02" in caught.value.remedy


def test_a_last_batch_of_one_joins_the_batch_before(train, samples):
    plan = plan_epoch(17, 8, seed=0, epoch=0)
    assert [len(batch) for batch in plan] == [8, 9]
    assert sorted(np.concatenate(plan).tolist()) == list(range(17))
    assert train(labels=samples[:17], epochs=1).checkpoint


def test_the_order_depends_on_seed_and_epoch_only():
    first = [np.concatenate(plan_epoch(50, 8, seed=s, epoch=e)).tolist() for s, e in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert first[0] == first[1] != first[2] != first[3]


@pytest.mark.parametrize("warm_up", [0.0, 0.25, 0.9])
def test_the_learning_rate_rises_and_falls_once(warm_up: float):
    rates = [one_cycle(step, 100, 0.1, warm_up=warm_up) for step in range(100)]
    top = rates.index(max(rates))
    assert top == max(0, 100 * warm_up - 1)
    assert max(rates) == pytest.approx(0.1)
    assert rates[: top + 1] == sorted(rates[: top + 1]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < rates[-1] < (0.001 if warm_up < 0.9 else 0.01)


# --- stop and go on ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "questions"), [*((model, 5) for model in LEARNERS), *(("hrn", questions) for questions in (2, 4, 9))]
)
def test_a_stopped_run_goes_on_to_the_very_same_weights(train, model, questions):
    straight = train("straight", model=model)
    stopped = train("broken", model=model, should_stop=StopAfter(questions))
    assert stopped.stopped and stopped.checkpoint is None
    train("broken", model=model, should_stop=StopAfter(questions))
    resumed = train("broken", model=model)
    assert not resumed.stopped
    assert_same_weights(straight, resumed)
    np.testing.assert_equal(resumed.metrics, straight.metrics)


def test_a_run_may_be_stopped_at_any_moment(train):
    """Before each batch, while an epoch is measured, between epochs: whenever the question is asked."""
    straight, moment = train("straight"), 0
    while train(f"broken {moment}", should_stop=StopAfter(moment)).stopped:
        assert_same_weights(straight, train(f"broken {moment}"))
        moment += 1
    assert moment > 3 * 3  # three epochs of two batches and a measurement, at the least


def test_a_stop_tells_how_far_the_training_is(train, monkeypatch):
    monkeypatch.setattr(epochs, "PROGRESS_EVERY_S", 1e9)  # once at the start, else not at all
    told: list[Progress] = []
    train(epochs=8, on_progress=told.append, should_stop=StopAfter(14))
    start, stop = (one for one in told if one.stage.startswith("epoch"))
    assert start.done < stop.done < stop.total


def test_epochs_that_were_told_are_not_told_again(train):
    told, stop = [], StopAfter(6)
    train(on_epoch=told.append, should_stop=stop)
    train(on_epoch=told.append)
    assert [epoch.epoch for epoch in told] == [0, 1, 2]
    assert all(math.isfinite(epoch.train_loss) for epoch in told)


def test_a_killed_run_goes_on_from_its_last_epoch(train):
    class Killed(BaseException):
        pass

    def die(epoch):
        if epoch.epoch == 1:
            raise Killed

    straight = train("straight")
    with pytest.raises(Killed):
        train("killed", on_epoch=die)
    told = []
    resumed = train("killed", on_epoch=told.append)
    assert [epoch.epoch for epoch in told] == [1, 2]
    assert_same_weights(straight, resumed)


@pytest.mark.parametrize("damage", [b"", b"not a state", "cut"])
def test_a_damaged_resume_file_starts_over_with_a_remark(train, tmp_path, damage):
    train(should_stop=StopAfter(5))
    path = tmp_path / "run" / FILE
    path.write_bytes(path.read_bytes()[:5000] if damage == "cut" else damage)
    result = train()
    assert any("started over" in remark for remark in result.remarks)
    assert_same_weights(result, train("straight"))


def test_other_settings_or_labels_start_over_with_a_remark(train, samples):
    train(should_stop=StopAfter(5))
    result = train(lr=0.01)
    assert any("have changed" in remark for remark in result.remarks)
    train("other", should_stop=StopAfter(5))
    result = train("other", labels=samples[:17])
    assert any("have changed" in remark for remark in result.remarks)


def test_a_finished_run_asked_again_only_writes_its_checkpoint(train, tmp_path):
    told = []
    first = train()
    again = train(on_epoch=told.append)
    assert told == []
    assert_same_weights(first, again)
    drop_resume_state(tmp_path / "run")
    assert not (tmp_path / "run" / FILE).exists()
    assert load_checkpoint(again.checkpoint).epoch == again.epoch


def test_stopping_while_pictures_are_read_is_a_stop(train):
    assert train(should_stop=lambda: True).stopped


def test_should_stop_is_asked_for_every_batch(train):
    asked = []
    train(epochs=2, should_stop=lambda: asked.append(1) or False)
    assert len(asked) >= 2 * 3


def test_training_leaves_the_callers_random_numbers_alone(train):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_progress_tells_pace_and_time_left(train, monkeypatch):
    monkeypatch.setattr(epochs, "PROGRESS_EVERY_S", 0)
    told = []
    train(on_progress=told.append)
    steps = [progress for progress in told if progress.stage.startswith("epoch")]
    assert [progress.done for progress in steps] == [6, 12, 18, 24, 30, 36, 42, 48, 54]
    assert all(progress.total == 54 and progress.images_per_s > 0 for progress in steps)
    assert steps[-1].left_s == 0


# --- views ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "size"), [(1, 64), (2, 64), (7, 224), (100, 64), (1000, 96), (55, 40), (20, 16)])
def test_views_grow_to_the_full_size_and_progress_counts_their_pixels(steps, size):
    sides = [view_side(step, steps, size) for step in range(steps)]
    assert sides == sorted(sides) and sides[-1] == size
    assert all(side == size or (side % 8 == 0 and side >= 32) for side in sides)
    areas = np.square(sides)
    for step in range(steps + 1):
        assert work_before(step, steps, size) == pytest.approx(areas[:step].sum() / areas.sum())


def test_views_are_half_as_large_at_first():
    assert [view_side(step, 100, 64) for step in (0, 59, 60, 84, 85, 99)] == [32, 32, 48, 48, 64, 64]
    assert view_side(0, 100, 224) == 112 and view_side(0, 100, 32) == 32


@pytest.mark.parametrize("size", [16, 32, 36, 40, 64, 224])
def test_where_views_grow_is_told_in_shares_of_the_steps(size):
    sides = [view_side(step, 101, size) for step in range(101)]
    assert [100 * share for share in growth(size)] == [at for at in range(1, 101) if sides[at] > sides[at - 1]]


def test_a_smaller_view_shows_what_the_large_one_shows():
    pixels = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    large, small = (random_views(pixels, side=side, seed=1, epoch=2, step=3) for side in (64, 32))
    assert small.shape == (4, 3, 32, 32)
    shrunk = torch.nn.functional.avg_pool2d(large, 2)
    assert (small - shrunk).abs().mean() < 0.1 * shrunk.std()


def test_views_follow_from_seed_epoch_and_step():
    pixels = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    first = random_views(pixels, side=16, seed=1, epoch=2, step=3)
    assert torch.equal(first, random_views(pixels, side=16, seed=1, epoch=2, step=3))
    assert not torch.equal(first, random_views(pixels, side=16, seed=1, epoch=2, step=4))
    assert first.shape == pixels.shape and first.dtype == torch.float32
    assert first.min() >= 0 and first.max() <= 255


def test_a_view_is_a_part_of_its_picture_perhaps_mirrored():
    # Brightness runs from left to right; so a view runs over part of that range, upwards or, mirrored, downwards.
    ramp = torch.linspace(60, 160, 32).to(torch.uint8).expand(64, 3, 32, 32)
    views = random_views(ramp, side=32, seed=0, epoch=0, step=0)
    across = views[:, 0, 16, 24] - views[:, 0, 16, 8]
    down = (views[:, 0, 24, 16] - views[:, 0, 8, 16]).abs()
    assert 0.25 < (across < 0).float().mean() < 0.75
    assert across.abs().min() > 10 * down.max()


def test_normalised_pixels_are_zero_mean_floats_channels_last():
    normal = normalise(torch.full((2, 3, 4, 4), 124, dtype=torch.uint8))
    assert normal.is_contiguous(memory_format=torch.channels_last)
    assert normal[:, 0].abs().max() < 0.01


def test_a_small_net_gets_one_thread_and_a_large_one_all(tiny_tree):
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        for backbone, size, threads in (("resnet_mini", 16, 1), ("resnet18", 64, 4)):
            config = RunConfig(model="flat", backbone=backbone, image_size=size)
            model = build_model("flat", tiny_tree, config)
            with fitting_threads(model, config, pick_device("cpu")):
                assert torch.get_num_threads() == threads
            assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


# --- devices ----------------------------------------------------------------------------------------------------------


def test_cuda_that_is_not_there_is_an_error_and_auto_falls_back(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no CUDA device"):
        pick_device("cuda")
    assert pick_device("auto").torch_device.type == "cpu"


def test_a_cuda_that_does_not_compute_is_left_with_a_remark(monkeypatch):
    monkeypatch.setattr(devices, "_cuda_trouble", lambda: "CUDA error: no kernel image")
    compute = pick_device("auto")
    assert compute.torch_device.type == "cpu" and "no kernel image" in compute.remark
    with pytest.raises(DeviceError, match="no kernel image"):
        pick_device("cuda")


# --- predictions ------------------------------------------------------------------------------------------------------


def test_predictions_are_paths_with_probabilities_and_embeddings(train, samples, tiny_tree, tmp_path):
    checkpoint = load_checkpoint(train().checkpoint)
    samples[2].path.unlink()
    pixels = decode_pictures([s.path for s in samples], size=16, folder=tmp_path / "cache")
    told = []

    said = list(predict(checkpoint, pixels, device="cpu", log_probs_of=pixels.readable, on_progress=told.append))

    assert [one.place for one in said] == pixels.readable
    assert [skip.path for skip in pixels.skipped] == [samples[2].path]
    assert (told[-1].done, told[-1].total) == (23, 23)
    for one in said:
        assert [node for node, _ in one.path] == tiny_tree.path(one.node) and tiny_tree.is_leaf[one.node]
        assert one.top[0] == (one.node, one.probability)
        assert len(one.top) == 4 and sum(p for _, p in one.top) == pytest.approx(1, abs=1e-3)
        shares = [p for _, p in one.path]
        assert shares == sorted(shares, reverse=True) and all(0 <= share <= 1 for share in shares)
        assert one.embedding.shape == (96,) and one.embedding.dtype == np.float16
        assert one.log_probs.shape == (len(tiny_tree),) and one.answers.shape == (3,)


def test_an_epoch_measures_the_same_as_the_end_but_less_of_it(train, samples, tiny_tree, tmp_path):
    checkpoint = load_checkpoint(train(model="hrn").checkpoint)
    pixels = decode_pictures([s.path for s in samples], size=16, folder=tmp_path / "cache")
    said = list(predict(checkpoint, pixels, device="cpu", log_probs_of=pixels.readable))
    targets = np.array([sample.node for sample in samples])
    probs, answers = np.exp([one.log_probs for one in said]), np.array([one.answers for one in said])
    whole, epoch = evaluate(tiny_tree, targets, probs, answers), metrics_of(tiny_tree, targets, said)
    assert {"average_prc", "ac_info"} <= whole.keys() - epoch.keys()
    leaves, shown = np.array([one.node for one in said]), np.array([one.probability for one in said])
    is_leaf = tiny_tree.is_leaf[targets]
    whole["ece_leaf"] = calibration_error(shown[is_leaf], (leaves == targets)[is_leaf])  # of what people are shown
    np.testing.assert_equal(epoch, {name: whole[name] for name in epoch})


def test_what_is_shown_is_the_models_own_answer_and_hedging_sees_the_tree(train, samples, tiny_tree, tmp_path):
    checkpoint = load_checkpoint(train(model="hrn").checkpoint)
    assert checkpoint.temperature != 1
    pixels = decode_pictures([s.path for s in samples], size=16, folder=tmp_path / "cache")
    plain = list(predict(replace(checkpoint, calibration={}), pixels, device="cpu", log_probs_of=pixels.readable))
    calibrated = list(predict(checkpoint, pixels, device="cpu", log_probs_of=pixels.readable))
    for before, after in zip(plain, calibrated, strict=True):
        assert before.node == after.node == [node for node in after.answers.tolist() if node >= 0][-1]
        assert [node for node, _ in before.top] == [node for node, _ in after.top]
        assert before.probability != after.probability
        assert np.array_equal(before.log_probs, after.log_probs)
        assert not math.isclose(math.exp(after.log_probs[after.node]), after.probability, rel_tol=1e-3)


def test_predicting_stops_when_asked(train, samples, tmp_path):
    checkpoint = load_checkpoint(train(epochs=1).checkpoint)
    pixels = decode_pictures([s.path for s in samples], size=16, folder=tmp_path / "cache")
    with pytest.raises(Stopped):
        list(predict(checkpoint, pixels, device="cpu", should_stop=lambda: True))
