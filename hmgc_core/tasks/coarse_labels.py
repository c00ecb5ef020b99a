"""What the coarse labels of a run bought: three trainings on the same pictures, in the same steps, measured alike.

They differ in the labels alone: those at the finest level only, all of them flattened to the finest level, and all as
they are. Each takes as many optimizer steps, on as many pictures, under the same seed; where fewer labels are left they
come again. A finished part is kept beside the run, so that a task that was stopped goes on with the next.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hmgc_core.durable_files import write_durably
from hmgc_core.errors import Diverged, NotTrainable
from hmgc_core.evaluation import without_nan
from hmgc_core.learning.batches import plan_epoch, training_set
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.inference import predict
from hmgc_core.learning.pixel_cache import Pixels, decode_pictures
from hmgc_core.learning.training import fit
from hmgc_core.metrics import answer_metrics, deepest_answers
from hmgc_core.metrics.paired import PairedDifference, paired_difference
from hmgc_core.querying import names_one_leaf, says_nothing
from hmgc_core.records import IS, IS_NOT, Progress, Run, RunConfig, Sample, Stopped
from hmgc_core.store import imports
from hmgc_core.store.workspace import Workspace
from hmgc_core.tasks.job import Job
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy
from hmgc_core.workflow import coarse_labels as verbs
from hmgc_core.workflow import training
from hmgc_core.workflow.coarse_labels import ALL, ARMS, FINEST, FLATTENED
from hmgc_core.workflow.training import RunLabels

TRAINING, MEASURING = 1000, 50  # how much of the bar each takes
FOLDER = "coarse_labels"  # in the run's own
DRAW = 22  # beside the run's seed: the draw of leaves shall not follow the shuffling
MANY = 10_000  # imports: all of them


@dataclass(frozen=True)
class Trial:
    """One comparison. config: of all three. exam: one sample per picture measured on. epoch_size: pictures an epoch.

    own: the run's model was trained just so on all labels.
    """

    run: Run
    config: RunConfig
    labels: RunLabels
    split: str
    exam: list[Sample]
    epoch_size: int
    coarse: int
    own: bool

    @property
    def taxonomy(self) -> Taxonomy:
        """The tree of the run."""
        return self.labels.taxonomy


def compare(job: Job) -> dict[str, Any]:
    """The task: returns what `workflow.coarse_labels.Bought` reads.

    Raises NotTrainable where there is nothing to compare, what `fit` raises, and Stopped.
    """
    job.step("looking at the labels", 0, 1)
    trial = _plan(job)
    samples = {
        FINEST: [sample for sample in trial.labels.train if names_one_leaf(trial.taxonomy, sample)],
        FLATTENED: flattened(trial.taxonomy, trial.labels.train, seed=trial.config.seed),
        ALL: trial.labels.train,
    }
    bar = _Bar(job, total=sum(_work(trial, arm) for arm in ARMS))
    said = {}
    for arm in ARMS:
        said[arm] = _arm(job, trial, arm, samples[arm], bar)
        bar.before += _work(trial, arm)
    return _result(trial, samples, said)


def flattened(taxonomy: Taxonomy, samples: Sequence[Sample], *, seed: int) -> list[Sample]:
    """Each label as one at the finest level, as tools do that know no tree.

    A coarse label becomes one of the leaves below it, drawn once, each as likely, by the seed. What has no such form is
    left out: `is_not`, which names no leaf, and labels that leave every leaf possible, which would be pure noise.
    """
    rng = np.random.default_rng([seed, DRAW])
    flat = []
    for sample in samples:
        if sample.kind == IS_NOT or says_nothing(taxonomy, sample.node):
            continue
        first, end = taxonomy.preorder_start[sample.node], taxonomy.preorder_end[sample.node]
        places = taxonomy.preorder_start[taxonomy.leaves]
        below = taxonomy.leaves[(places >= first) & (places < end)]
        flat.append(replace(sample, node=int(rng.choice(below)), kind=IS))
    return flat


# --- what is compared -------------------------------------------------------------------------------------------------


def _plan(job: Job) -> Trial:
    run = job.run
    training.checkpoint_folder(run)
    unsuited = verbs.unsuited(run)
    if unsuited is not None:
        raise unsuited
    labels = training.run_labels(job.ws, run)
    taxonomy = labels.taxonomy
    exams = {split: [s for s in getattr(labels, split) if s.kind == IS and s.node > 0] for split in ("test", "val")}
    split = next((split for split, exam in exams.items() if any(taxonomy.is_leaf[s.node] for s in exam)), "")
    coarse = sum(is_coarse(taxonomy, sample) for sample in labels.train)
    fine = sum(names_one_leaf(taxonomy, sample) for sample in labels.train)
    problem = verbs.missing(coarse=coarse, fine=fine, measured=len(exams[split]) if split else 0)
    if problem is not None:
        raise problem
    config = replace(run.config, drop_coarse=False)
    pixels = _pixels(job, config, [sample.path for sample in labels.train])
    readable = training_set(taxonomy, labels.train, pixels)
    _check_measurable(taxonomy, exams[split], _pixels(job, config, [sample.path for sample in exams[split]]))
    own = not run.config.drop_coarse and _knows_the_same(job.ws, run)
    return Trial(run, config, labels, split, exams[split], len(readable), coarse, own)


def _check_measurable(taxonomy: Taxonomy, exam: Sequence[Sample], pixels: Pixels) -> None:
    if not any(taxonomy.is_leaf[exam[place].node] for place in pixels.readable):
        raise NotTrainable(
            "no picture to measure on can be read", remedy="put the files of the test or validation pictures back"
        )


def is_coarse(taxonomy: Taxonomy, sample: Sample) -> bool:
    """The label leaves more than one leaf possible, and rules at least one out."""
    return not names_one_leaf(taxonomy, sample) and (sample.kind == IS_NOT or not says_nothing(taxonomy, sample.node))


def _knows_the_same(ws: Workspace, run: Run) -> bool:
    """No import was taken back since the run began: a run's labels change in no other way."""
    began_at = run.started_at or run.created_at
    with ws.reading() as connection:
        return not any(one.undone_at and one.undone_at > began_at for one in imports.history(connection, MANY))


def _pixels(job: Job, config: RunConfig, paths: list[Path]) -> Pixels:
    return decode_pictures(paths, size=config.image_size, folder=job.ws.cache, should_stop=job.should_stop)


# --- one part after the other -----------------------------------------------------------------------------------------


@dataclass
class _Bar:
    """The one bar over all parts. before: what the parts that are over took of `total`."""

    job: Job
    total: int
    before: int = 0

    def over(self, arm: str, *, start: int, length: int) -> Callable[[Progress], None]:
        """A report of a part's own progress, which fills `length` of the bar from `start` on."""

        def report(progress: Progress) -> None:
            share = progress.done / progress.total if progress.total else 0.0
            done = self.before + start + round(length * min(1.0, share))
            self.job.report(Progress(f"{ARMS[arm].lower()}: {progress.stage}", done, self.total))

        return report


def _work(trial: Trial, arm: str) -> int:
    return MEASURING + (0 if arm == ALL and trial.own else TRAINING)


def _arm(job: Job, trial: Trial, arm: str, samples: list[Sample], bar: _Bar) -> dict[str, Any]:
    """Answers for the exam: {"answers": (n, D) int, "places": (n,) int into the exam, "epoch", "remarks"}."""
    folder = job.ws.run_folder(trial.run.id) / FOLDER / arm
    name = _name(trial, samples)
    kept = _kept(folder, name)
    if kept is not None:
        return kept
    if arm == ALL and trial.own:
        start, checkpoint, remarks = 0, training.checkpoint_folder(trial.run), tuple[str, ...]()
    else:
        start = TRAINING
        checkpoint, remarks = _trained(job, trial, arm, samples, folder, bar)
    report = bar.over(arm, start=start, length=MEASURING)
    pixels = _pixels(job, trial.config, [sample.path for sample in trial.exam])
    model = load_checkpoint(checkpoint)
    told = list(
        predict(model, pixels, device=trial.config.device, top=1, on_progress=report, should_stop=job.should_stop)
    )
    measured = {
        "answers": np.array([one.answers for one in told]),
        "places": np.array([one.place for one in told]),
        "epoch": model.epoch,
        "remarks": list(remarks),
    }
    shutil.rmtree(folder, ignore_errors=True)  # the model has said all that is asked of it
    _keep(folder, name, measured)
    return measured


def _trained(
    job: Job, trial: Trial, arm: str, samples: list[Sample], folder: Path, bar: _Bar
) -> tuple[Path, tuple[str, ...]]:
    try:
        result = fit(
            trial.config,
            trial.taxonomy,
            samples,
            trial.labels.val,
            folder=folder,
            cache=job.ws.cache,
            on_progress=bar.over(arm, start=0, length=TRAINING),
            should_stop=job.should_stop,
            epoch_size=trial.epoch_size,
        )
    except Diverged as error:
        raise Diverged(f"{ARMS[arm].lower()}: {error}", remedy=f"train the run anew: {error.remedy}") from error
    if result.stopped or result.checkpoint is None:
        raise Stopped
    return result.checkpoint, result.remarks


def _name(trial: Trial, samples: Sequence[Sample]) -> str:
    """One hash for all that a part follows from."""
    told = [[str(one.path), one.node, one.kind, one.weight] for one in (*samples, *trial.labels.val, *trial.exam)]
    everything = [trial.config.to_dict(), trial.taxonomy.content_hash, trial.epoch_size, told]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def _keep(folder: Path, name: str, measured: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    plain = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in measured.items()}
    write_durably(folder / "answers.json", json.dumps({"name": name, **plain}).encode())


def _kept(folder: Path, name: str) -> dict[str, Any] | None:
    """What `_keep` wrote of just this part; None where there is nothing, or something else."""
    try:
        kept = json.loads((folder / "answers.json").read_bytes())
        answers, places = np.array(kept["answers"], dtype=np.int64), np.array(kept["places"], dtype=np.int64)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {**kept, "answers": answers, "places": places} if kept["name"] == name else None


# --- what came of it --------------------------------------------------------------------------------------------------


def _result(trial: Trial, samples: dict[str, list[Sample]], said: dict[str, dict[str, Any]]) -> dict[str, Any]:
    # A picture that went missing between two parts is left out of all of them.
    places = sorted(set.intersection(*(set(one["places"].tolist()) for one in said.values())))
    targets = np.array([trial.exam[place].node for place in places], dtype=np.int64)
    answers = {arm: one["answers"][np.searchsorted(one["places"], places)] for arm, one in said.items()}
    steps = len(plan_epoch(trial.epoch_size, trial.config.batch_size, seed=trial.config.seed, epoch=0))
    remarks = [f"{ARMS[arm]}: {remark}" for arm, one in said.items() for remark in one["remarks"]]
    return {
        "split": trial.split,
        "pictures": int(trial.taxonomy.is_leaf[targets].sum()),
        "coarse": trial.coarse,
        "labels": {arm: len(samples[arm]) for arm in ARMS},
        "steps": steps * trial.config.epochs,
        "epochs": trial.config.epochs,
        "seed": trial.config.seed,
        "own": trial.own,
        "metrics": {arm: without_nan(answer_metrics(trial.taxonomy, targets, given)) for arm, given in answers.items()},
        "gains": {arm: _gain(trial.taxonomy, targets, answers[ALL], answers[arm]) for arm in (FINEST, FLATTENED)},
        "remarks": remarks,
    }


def _gain(taxonomy: Taxonomy, targets: IntArray, first: IntArray, second: IntArray) -> dict[str, Any]:
    is_leaf = taxonomy.is_leaf[targets]
    wanted = taxonomy.ancestors_by_depth[targets]
    leaf = [(deepest_answers(answers) == targets)[is_leaf] for answers in (first, second)]
    levels = [_at_level(level, wanted, first, second) for level in range(taxonomy.depth)]
    return {
        "leaf": asdict(paired_difference(leaf[0], leaf[1])),
        "levels": [level and asdict(level) for level in levels],
    }


def _at_level(level: int, wanted: IntArray, first: IntArray, second: IntArray) -> PairedDifference | None:
    known: BoolArray = wanted[:, level] >= 0
    if not known.any():
        return None
    right = [(answers[:, level] == wanted[:, level])[known] for answers in (first, second)]
    return paired_difference(right[0], right[1])
