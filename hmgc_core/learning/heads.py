"""Train a model's head alone, on what a trained trunk sees in the pictures: seconds after new labels, not minutes.

The trunk of an earlier checkpoint stays as it is, in evaluation mode. What it sees in each picture is looked up, or
looked at once (`features`); from there it is a training like any other, on vectors: the same losses, kinds of labels,
switches, epochs, saved state, measures and calibration. Its checkpoint holds a whole model.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from hmgc_core.errors import BadConfig
from hmgc_core.learning.checkpoints import Checkpoint, load_checkpoint
from hmgc_core.learning.devices import ComputeDevice, memory_told, pick_device, threads_for
from hmgc_core.learning.epochs import EpochLoop
from hmgc_core.learning.features import features_of
from hmgc_core.learning.inference import evaluation_batch
from hmgc_core.learning.processes import Share
from hmgc_core.learning.resume import ResumeFile
from hmgc_core.learning.steps import Steps
from hmgc_core.learning.training import FitResult, loop_over, measurable, trained
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.models.catalog import build_model, check_head
from hmgc_core.models.options import without_files
from hmgc_core.records import EpochMetrics, Progress, RunConfig, Sample, Stopped
from hmgc_core.taxonomy import Taxonomy


class HeadSteps(Steps):
    """The steps of a head: it is shown features, which cannot be changed as pictures can."""

    def seen(self, pixels: Tensor, share: Share, view: dict[str, int]) -> Tensor:  # noqa: ARG002 - vectors have no views
        """(B, F) features as they are."""
        return pixels.float()

    seen_by_teacher = seen


class HeadLoop(EpochLoop):
    """A training of a head; all its steps take as long."""

    kind_of_steps = HeadSteps

    def _work_done(self) -> float:
        done, total = self._step
        return done / max(1, total)


def fit_head(
    config: RunConfig,
    taxonomy: Taxonomy,
    train: Sequence[Sample],
    valid: Sequence[Sample],
    *,
    start: Path,
    folder: Path,
    cache: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_epoch: Callable[[EpochMetrics], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Train the head of `config.model` on the trunk of the checkpoint in `start`, as `training.fit` trains a whole.

    The head goes on from the checkpoint's where model and class tree are the same; else it starts at random, and a
    remark says so. cache: decoded pictures and features, shared by all runs.
    Raises what `fit` does, CheckpointError, and BadConfig where the checkpoint has no such trunk.
    """
    try:
        with memory_told(f"training the head of {config.model}", "choose a smaller batch size"):
            loop = _prepare(
                config,
                taxonomy,
                train,
                [*train, *measurable(valid)],
                begin=load_checkpoint(start),
                file=ResumeFile(folder),
                cache=cache,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            with threads_for(_work(loop.state.model, config), loop.compute):
                return trained(loop, on_epoch, folder=folder)
    except Stopped:
        return FitResult(stopped=True)


def _prepare(
    config: RunConfig,
    taxonomy: Taxonomy,
    train: Sequence[Sample],
    samples: Sequence[Sample],
    *,
    begin: Checkpoint,
    file: ResumeFile,
    cache: Path,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> EpochLoop:
    """Build the model, look at pictures that are new, and take up what a stopped run left behind."""
    compute = pick_device(config.device)
    whole = _on_its_trunk(config, taxonomy, begin)
    file.remarks += [remark for remark in (compute.remark, _anew(config, taxonomy, begin)) if remark]
    features = features_of(
        whole,
        [sample.path for sample in samples],
        trunk=begin.trunk,
        size=config.image_size,
        cache=cache,
        compute=compute,
        batch_size=evaluation_batch(config),
        on_progress=on_progress,
        should_stop=should_stop,
    )
    names = whole.frozen_names()
    frozen = {name: tensor.cpu() for name, tensor in whole.state_dict().items() if name in names}
    return loop_over(
        config,
        taxonomy,
        train,
        samples,
        features,
        model=_head_of(whole, compute),
        model_anew=lambda: _head_of(_on_its_trunk(config, taxonomy, begin), compute),
        left=file.left_behind(),
        compute=compute,
        file=file,
        learned_from=begin.trunk,
        kind=HeadLoop,
        frozen=frozen,
        trunk=begin.trunk,
        on_progress=on_progress,
        should_stop=should_stop,
    )


def _on_its_trunk(config: RunConfig, taxonomy: Taxonomy, begin: Checkpoint) -> HierarchicalModel:
    """The config's model with the checkpoint's weights in its frozen parts, and in its head if that is the same."""
    check_head(config, begin.config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_model(config.model, taxonomy, without_files(config))
    given, wanted = begin.model.state_dict(), model.state_dict()
    if _anew(config, taxonomy, begin):
        given = {name: given[name] for name in model.frozen_names() if name in given}
    lacking = [name for name in model.frozen_names() if name not in given or given[name].shape != wanted[name].shape]
    if lacking:
        raise BadConfig(
            f"the model in {begin.folder} has no {lacking[0]} for {config.model} to start from",
            remedy="train all of it: the class tree may have more levels than it had then",
        )
    model.load_state_dict(given, strict=False)
    return model.eval()


def _anew(config: RunConfig, taxonomy: Taxonomy, begin: Checkpoint) -> str:
    """Why the head starts at random; "" where it goes on from the checkpoint's."""
    if config.model != begin.config.model:
        return f"the head started anew: the run before it is of {begin.config.model}"
    if taxonomy.content_hash != begin.taxonomy.content_hash or list(taxonomy.keys) != list(begin.taxonomy.keys):
        return "the head started anew: the class tree has changed since the run before it"
    return ""


def _head_of(whole: HierarchicalModel, compute: ComputeDevice) -> HierarchicalModel:
    whole.take_out_frozen()
    return whole.to(compute.torch_device)


def _work(head: HierarchicalModel, config: RunConfig) -> float:
    """Floating-point operations of one step's forward pass: two for each weight and picture."""
    return 2.0 * config.batch_size * sum(weights.numel() for weights in head.parameters())
