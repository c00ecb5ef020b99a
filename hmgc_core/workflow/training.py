"""Verbs of training: queue, watch, cancel; and the labels that a queued run has frozen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hmgc_core import settings
from hmgc_core.errors import BadConfig, CheckpointError, NotTrainable, UnknownRun, nearest_names
from hmgc_core.given_paths import given_path
from hmgc_core.leading import Step, read_on
from hmgc_core.metrics.words import number
from hmgc_core.models.catalog import BACKBONES, MODELS, READING_NAMES, READY_MADE, check, check_head
from hmgc_core.models.given_weights import weights_file
from hmgc_core.models.options import chosen_options, options_of
from hmgc_core.options import Option
from hmgc_core.querying import agreed_node, names_one_leaf
from hmgc_core.recipes import DEFAULT, DEFAULT_MODEL, PLAIN, RECIPES, SWITCHES, switches_of
from hmgc_core.records import KIND_CODES, Annotation, EpochMetrics, ImageRecord, Run, RunConfig, Sample, Split
from hmgc_core.store import annotations, images, jobs, labellings, runs, taxonomies
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow.taxonomies import current_taxonomy, taxonomy_version

__all__ = [
    "BACKBONES",
    "DEFAULT",
    "DEFAULT_MODEL",
    "MODELS",
    "READING_NAMES",
    "RECIPES",
    "SWITCHES",
    "Option",
    "options_of",
    "switches_of",
]

SMALL_BACKBONE = "resnet_mini"  # where there is no GPU
PLACES = ("is", "none_here")  # kinds that say where an image belongs


def queue_run(ws: Workspace, config: RunConfig) -> int:
    """Queue a training on the labels as they are now; returns its number.

    Raises UnknownModel, BadConfig, WeightsError or NotTrainable at once, rather than minutes later in the worker.
    """
    ready, version, last = checked(ws, config)
    with ws.writing() as connection:
        return runs.add(connection, ready, taxonomy_id=version, last_annotation_id=last)


def checked(ws: Workspace, config: RunConfig) -> tuple[RunConfig, int, int]:
    """(the config with all that follows from it, version of the tree, newest label): what a training would be told.

    Raises what `queue_run` raises.
    """
    version, taxonomy = current_taxonomy(ws)
    check(config, taxonomy)
    config = _with_whole_paths(config)
    if config.freeze_backbone:
        check_head(config, start_of(ws, config).config)
    with ws.reading() as connection:
        last = annotations.last_id(connection)
        if config.labelling and labellings.get(connection, config.labelling) is None:
            raise _no_labelling(config.labelling, [one.name for one in labellings.all_labellings(connection)])
    if config.model not in READY_MADE:
        train = _learnable(ws, taxonomy, version, last, config.labelling).train
        _check_trainable(taxonomy, train, drop_coarse=config.drop_coarse)
    return config, version, last


def _no_labelling(name: str, known: list[str]) -> BadConfig:
    nearest = nearest_names(name, known)
    there = f"; there are {', '.join(map(repr, nearest))}{', …' if len(nearest) < len(known) else ''}" if known else ""
    remedy = f"leave it blank to use the current labels{there}" if known else "make one: `hmgc relabel`"
    return BadConfig(f"there is no labelling {name!r}", remedy=remedy)


def _with_whole_paths(config: RunConfig) -> RunConfig:
    """With every option, and its files where they lie: the worker may have another home, and another folder to be in.

    Raises BadConfig where the file of an option is not there.
    """
    chosen = chosen_options(config)
    for option in options_of(config.model, config.backbone):
        file = given_path(str(chosen[option.name])).absolute()
        if option.is_file and chosen[option.name]:
            if not file.is_file():
                raise BadConfig(f"there is no file {file} ({option.name})", remedy="check the path, or leave it blank")
            chosen[option.name] = str(file)
    weights = weights_file(config.backbone, config.weights) if config.weights else None
    # Recipes may change with the program; what a run was asked to do does not.
    is_plain = config.recipe == PLAIN and not config.switches
    switches = {} if is_plain else asdict(switches_of(config))
    given = str(weights.absolute()) if weights else config.weights
    return replace(config, options=chosen, weights=given, switches=switches)


def _check_trainable(taxonomy: Taxonomy, train: list[Sample], *, drop_coarse: bool) -> None:
    remedy = "label some training images on the annotate page first"
    if not train:
        raise NotTrainable("there is no label to learn from", remedy=remedy)
    if all(sample.node == 0 for sample in train):
        raise NotTrainable(
            "every label is at the root, which tells nothing apart", remedy="label some training images below the root"
        )
    if len(taxonomy.leaves) < 2:
        raise NotTrainable("the class tree has a single class at its finest level", remedy="add classes to the tree")
    if drop_coarse:
        train = [sample for sample in train if names_one_leaf(taxonomy, sample)]
        remedy = "label images at the finest level, or use the coarser labels too"
        if not train:
            raise NotTrainable("no label is at the finest level, and coarser ones are to be left out", remedy=remedy)
    if len({sample.path for sample in train}) < 2:
        raise NotTrainable("only one training image is labelled; a training needs at least two", remedy=remedy)


def run(ws: Workspace, run_id: int) -> Run:
    """One run. Raises UnknownRun."""
    with ws.reading() as connection:
        found = runs.get(connection, run_id)
    if found is None:
        raise UnknownRun(f"there is no run {run_id}", remedy="see the runs page, or `hmgc runs`")
    return found


def all_runs(ws: Workspace) -> list[Run]:
    """Every run, the newest first."""
    with ws.reading() as connection:
        return runs.all_runs(connection)


def before(ws: Workspace, of: Run) -> Run | None:
    """The run that tells whether this one got better: the one it started from, else the newest before it that suggests.

    None where there is none of the same class tree.
    """
    earlier = [one for one in all_runs(ws) if one.id < of.id and one.status == "done" and one.taxonomy == of.taxonomy]
    start = of.config.start_from
    return next((one for one in earlier if (one.id == start if start else one.suggests)), None)


def first_config() -> RunConfig:
    """What a first training is filled in with: the model and recipe that did best, on what this machine can bear."""
    backbone = RunConfig.backbone if settings.sees_gpu() else SMALL_BACKBONE
    return RunConfig(model=DEFAULT_MODEL, recipe=DEFAULT, backbone=backbone)


def suggesting(runs_known: Iterable[Run]) -> Run | None:
    """Of runs from the newest on, the one that suggests: the first that finished and was not set aside."""
    return next((one for one in runs_known if one.suggests), None)


def set_aside(ws: Workspace, run_id: int) -> None:
    """Have a finished run suggest nothing any more: the newest of the others does.

    Its predictions stay, and can be looked at. Raises UnknownRun, BadConfig for a run that has not finished.
    """
    of = _finished(ws, run_id)
    with ws.writing() as connection:
        runs.set_aside(connection, [of.id])


def let_suggest(ws: Workspace, run_id: int) -> None:
    """Have a finished run be the one that suggests: those after it are set aside. Raises as `set_aside`."""
    of = _finished(ws, run_id)
    with ws.writing() as connection:
        runs.set_aside(connection, [of.id], aside=False)
        runs.set_aside(connection, [one.id for one in runs.all_runs(connection) if one.id > of.id and one.suggests])


def _finished(ws: Workspace, run_id: int) -> Run:
    of = run(ws, run_id)
    if of.status != "done":
        raise BadConfig(f"run {run_id} is {of.state}", remedy="only a finished run suggests, and can be set aside")
    return of


def awaits_first(runs_known: Sequence[Run]) -> bool:
    """No run has finished yet, and one waits or runs: suggestions and predictions come with its end."""
    return any(one.is_active for one in runs_known) and not any(one.status == "done" for one in runs_known)


def epochs(ws: Workspace, run_id: int) -> list[EpochMetrics]:
    """What each epoch of a run gave, in order."""
    with ws.reading() as connection:
        return runs.epochs(connection, run_id)


def cancel(ws: Workspace, run_id: int) -> bool:
    """Ask a run to stop; False where it had ended. Raises UnknownRun."""
    run(ws, run_id)
    with ws.writing() as connection:
        return runs.request_cancel(connection, run_id)


def resume(ws: Workspace, run_id: int) -> None:
    """Queue a stopped or failed run once more; it goes on from its saved state. Raises UnknownRun, BadConfig."""
    ended = run(ws, run_id)
    with ws.writing() as connection:
        if not runs.queue_again(connection, run_id):
            raise BadConfig(f"run {run_id} is {ended.state}", remedy="only a stopped or failed run can go on")


def checkpoint_folder(run: Run) -> Path:
    """Where a finished run keeps its checkpoint. Raises CheckpointError for one that has none."""
    if not run.checkpoint:
        remedy = f"let it go on: `hmgc resume {run.id}`, or the runs page" if run.can_resume else "wait for its end"
        raise CheckpointError(f"run {run.id} has no model to ask: it is {run.state}", remedy=remedy)
    return Path(run.checkpoint)


def start_of(ws: Workspace, config: RunConfig) -> Run:
    """The run whose trunk a training of a head alone starts from. Raises UnknownRun, CheckpointError."""
    start = run(ws, config.start_from)
    checkpoint_folder(start)
    return start


def services(ws: Workspace) -> dict[str, bool]:
    """Whether a worker and an inspector are running."""
    with ws.reading() as connection:
        return {"worker": jobs.is_there(connection, "worker"), "inspector": jobs.is_there(connection, "inspector")}


# --- the labels a run has frozen --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunLabels:
    """What a run learns from and is measured on. val, test: one sample per labelled image, at the agreed node."""

    taxonomy: Taxonomy
    train: list[Sample]
    val: list[Sample]
    test: list[Sample]
    images: list[ImageRecord]
    remarks: tuple[str, ...]


def run_labels(ws: Workspace, of: Run) -> RunLabels:
    """The labels as they stood when the run was queued, however many were made since; those of its labelling to learn.

    Raises BadConfig where its labelling is gone.
    """
    return frozen_labels(ws, of.config, taxonomy=of.taxonomy, upto=of.last_annotation_id)


def known_labels(ws: Workspace, of: Run) -> RunLabels:
    """As `run_labels`, without the pictures that came since the run was queued."""
    labels = run_labels(ws, of)
    with ws.reading() as connection:
        later = images.since(connection, of.created_at)
    return replace(labels, images=[record for record in labels.images if record.id not in later])


def frozen_labels(ws: Workspace, config: RunConfig, *, taxonomy: int, upto: int) -> RunLabels:
    """The labels for a training of this config: up to a statement, in a version of the tree; those of its labelling.

    Raises TaxonomyError where there is no such version, BadConfig where its labelling is gone.
    """
    return _learnable(ws, taxonomy_version(ws, taxonomy), taxonomy, upto, config.labelling)


def agreed_labels(
    ws: Workspace, taxonomy: Taxonomy, version: int, *, split: Split
) -> tuple[list[ImageRecord], IntArray]:
    """(images of the split that have a label, in the order they came; (n,) the classes that annotators agree on)."""
    with ws.reading() as connection:
        last = annotations.last_id(connection)
    by_image, records, _ = _spoken(ws, taxonomy, version, last)
    found = []
    for record in records:
        speaking = [voice for voice in by_image.get(record.id, []) if voice[-1].kind != "unusable"]
        if record.split == split:
            found += [(record, sample.node) for sample in _measured_sample(taxonomy, record.path, speaking)]
    return [record for record, _ in found], np.array([node for _, node in found], dtype=np.int64)


def _learnable(ws: Workspace, taxonomy: Taxonomy, version: int, upto: int, labelling: str) -> RunLabels:
    by_image, records, strange = _spoken(ws, taxonomy, version, upto)
    given, unled = _given(ws, taxonomy, version, labelling) if labelling else (None, 0)
    samples: dict[str, list[Sample]] = {"train": [], "val": [], "test": []}
    unusable = 0
    for record in records:
        voices = by_image.get(record.id, [])
        speaking = [voice for voice in voices if voice[-1].kind != "unusable"]
        unusable += len(voices) - len(speaking)
        if record.split != "train":
            samples[record.split] += _measured_sample(taxonomy, record.path, speaking)
        elif given is None:
            samples["train"] += _train_samples(taxonomy, record.path, speaking)
        elif record.id in given:
            samples["train"].append(Sample(record.path, given[record.id]))
    lacked = "a class that this version of the tree does not have"
    said = {
        f"left out: {number(unusable, 'label says', 'labels say')} that the picture is unusable": unusable,
        f"left out: {number(strange, 'label names', 'labels name')} {lacked}": strange,
        f"left out: {number(unled, 'label names', 'labels name')} {lacked} (labelling {labelling!r})": unled,
    }
    remarks = tuple(remark for remark, count in said.items() if count)
    return RunLabels(taxonomy, samples["train"], samples["val"], samples["test"], records, remarks)


def _given(ws: Workspace, taxonomy: Taxonomy, version: int, name: str) -> tuple[dict[int, int], int]:
    """(image id -> node of its label in a labelling, number of labels whose class this tree does not have)."""
    with ws.reading() as connection:
        found = labellings.get(connection, name)
        if found is None:
            raise _no_labelling(name, [one.name for one in labellings.all_labellings(connection)])
        keys = labellings.labels(connection, found.id, version)
    nodes = {image_id: taxonomy.index(key) for image_id, key in keys.items() if key in taxonomy}
    return nodes, len(keys) - len(nodes)


def _spoken(
    ws: Workspace, taxonomy: Taxonomy, version: int, upto: int
) -> tuple[dict[int, list["Voice"]], list[ImageRecord], int]:
    """(image id -> one voice per annotator, all images, number of statements that say nothing in this tree)."""
    with ws.reading() as connection:
        said = annotations.statements(connection, upto=upto)
        records = images.all_images(connection)
        steps = {v: taxonomies.moves_after(connection, v, version) for v in {statement.taxonomy for statement in said}}
    by_image, strange = _voices(taxonomy, said, steps)
    return by_image, records, strange


class _Said(NamedTuple):
    """One statement with its node as an index of the run's tree; -1 for `unusable`."""

    kind: str
    node: int


Voice = list[_Said]  # what one annotator said of one image, oldest first; never empty


def _voices(
    taxonomy: Taxonomy, said: list[Annotation], steps: dict[int, list[Step]]
) -> tuple[dict[int, list[Voice]], int]:
    """(image id -> one voice per annotator, number of statements that say nothing in this tree)."""
    voices: dict[int, dict[str, Voice]] = {}
    strange = 0
    for statement in said:
        reading = read_on(statement.kind, statement.node, steps[statement.taxonomy])
        if reading is None or (reading.kind != "unusable" and reading.key not in taxonomy):
            strange += 1
            continue
        node = -1 if reading.kind == "unusable" else taxonomy.index(reading.key)
        voices.setdefault(statement.image_id, {}).setdefault(statement.annotator, []).append(_Said(reading.kind, node))
    return {image_id: list(by_annotator.values()) for image_id, by_annotator in voices.items()}, strange


def _train_samples(taxonomy: Taxonomy, path: Path, voices: list[Voice]) -> Iterator[Sample]:
    """One sample for each annotator's word, all with the same weight, and their standing "it is not" beside it."""
    for voice in voices:
        word, weight = voice[-1], 1.0 / len(voices)
        yield Sample(path, word.node, KIND_CODES[word.kind], weight)
        for earlier in voice[:-1]:
            # An "it is not" stands beside a later "it is", unless the later one takes it back.
            taken_back = word.kind == "is" and taxonomy.is_at_or_below(word.node, earlier.node)
            if earlier.kind == "is_not" and not taken_back:
                yield Sample(path, earlier.node, KIND_CODES["is_not"], weight)


def _measured_sample(taxonomy: Taxonomy, path: Path, voices: list[Voice]) -> Iterator[Sample]:
    """At most one: the class on which the annotators of a validation or test image agree."""
    nodes = [voice[-1].node for voice in voices if voice[-1].kind in PLACES]
    if nodes:
        yield Sample(path, agreed_node(taxonomy, nodes))
