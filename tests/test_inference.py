"""Predicting holds no more than it gives, computes no more than is asked for, and takes few pictures at a time."""

import gc
import weakref

import numpy as np
import pytest

from hmgc_core.learning import inference
from hmgc_core.learning.checkpoints import Checkpoint, load_checkpoint
from hmgc_core.learning.inference import evaluation_batch, predict
from hmgc_core.learning.pixel_cache import Pixels, decode_pictures
from hmgc_core.records import RunConfig


@pytest.fixture
def checkpoint(train) -> Checkpoint:
    """A model of the tiny tree, trained in batches of 4."""
    return load_checkpoint(train(epochs=1, batch_size=4).checkpoint)


@pytest.fixture
def pixels(samples, tmp_path) -> Pixels:
    """24 pictures."""
    return decode_pictures([sample.path for sample in samples], size=16, folder=tmp_path / "cache")


@pytest.fixture
def batches(monkeypatch) -> list[list[weakref.ref[np.ndarray]]]:
    """The arrays of each batch that is run, as far as they are alive."""
    seen: list[list[weakref.ref[np.ndarray]]] = []
    run = inference.run_batches

    def watched(*args, **given):
        for batch in run(*args, **given):
            arrays = [value for value in vars(batch).values() if isinstance(value, np.ndarray)]
            seen.append([weakref.ref(array) for array in arrays])
            del arrays
            yield batch
            del batch

    monkeypatch.setattr(inference, "run_batches", watched)
    return seen


def test_a_prediction_that_is_kept_keeps_no_batch(checkpoint, pixels, batches):
    said = list(predict(checkpoint, pixels, device="cpu", log_probs_of=pixels.readable))
    gc.collect()
    assert len(batches) == 3 and len(said) == 24
    assert [array for batch in batches for array in batch if array() is not None] == []
    assert all(one.log_probs.base is None and one.log_probs.shape == (9,) for one in said)


def test_log_probs_are_computed_only_where_asked_for_and_come_first(checkpoint, pixels, monkeypatch):
    computed = []
    log_probs = checkpoint.model.log_probs
    monkeypatch.setattr(
        checkpoint.model, "log_probs", lambda scores: computed.append(len(scores.leaves)) or log_probs(scores)
    )
    monkeypatch.setattr(checkpoint.model, "answer_log_probs", log_probs)
    told = []
    said = list(predict(checkpoint, pixels, device="cpu", log_probs_of=[20, 3], on_progress=told.append))
    assert computed == [2]
    assert [one.place for one in said] == [3, 20, *(place for place in range(24) if place not in (3, 20))]
    assert [one.log_probs is not None for one in said] == [True] * 2 + [False] * 22
    assert [(step.done, step.total) for step in told] == [(2, 24), (10, 24), (18, 24), (24, 24)]


def test_what_is_said_does_not_depend_on_what_is_asked_for(checkpoint, pixels):
    plain = list(predict(checkpoint, pixels, device="cpu"))
    full = list(predict(checkpoint, pixels, device="cpu", log_probs_of=pixels.readable))
    for one, other in zip(plain, full, strict=True):
        assert (one.place, one.node, one.top) == (other.place, other.node, other.top)
        assert np.array_equal(one.embedding, other.embedding) and np.array_equal(one.answers, other.answers)


@pytest.mark.parametrize(("trained_with", "at_a_time"), [(2, 4), (32, 64), (64, 128), (4096, 128)])
def test_predicting_takes_twice_the_pictures_of_a_step_at_most(trained_with, at_a_time):
    assert evaluation_batch(RunConfig(batch_size=trained_with)) == at_a_time


def test_an_epoch_is_measured_in_such_batches(train, monkeypatch):
    sizes = []
    run = inference.run_batches

    def watched(*args, **given):
        for batch in run(*args, **given):
            sizes.append(len(batch.places))
            yield batch

    monkeypatch.setattr(inference, "run_batches", watched)
    train(epochs=1, batch_size=2)
    assert sizes == [4, 2, 4, 2]  # six validation pictures: measured, then calibrated on
