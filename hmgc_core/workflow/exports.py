"""Verbs that take tables out: what people said, and what a run says, at any cut of the class tree."""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast

import sqlalchemy as sa

from hmgc_core.durable_files import not_written, written_whole
from hmgc_core.errors import OutputError, UnknownRun
from hmgc_core.exchange.annotation_table import BETWEEN_CLASSES, BETWEEN_PATHS, AnnotationRow, State, write_annotations
from hmgc_core.exchange.prediction_table import PredictionRow, write_predictions
from hmgc_core.exchange.tree_table import write_tree
from hmgc_core.given_paths import given_path
from hmgc_core.leading import Reading, Step, read_on
from hmgc_core.querying import Cut, cut_nodes
from hmgc_core.records import Kind, OnProgress, Run, quiet
from hmgc_core.store import exports, runs, taxonomies
from hmgc_core.store.exports import Place
from hmgc_core.store.workspace import DATABASE, Workspace
from hmgc_core.taxonomy import IntArray, Taxonomy
from hmgc_core.workflow.taxonomies import current_taxonomy, taxonomy_version
from hmgc_core.workflow.training import run

__all__ = [
    "Cut",
    "ExportReport",
    "export_annotations",
    "export_predictions",
    "export_tree",
    "export_words",
    "place_for_download",
]

KEPT_S = 24 * 3600.0


@dataclass
class ExportReport:
    """What was written. what: `labels`, `predictions` or `tree`. left_out: statements that say nothing at this cut."""

    file: Path
    what: str
    rows: int = 0
    left_out: int = 0


def export_annotations(
    ws: Workspace, out: Path, *, cut: Cut | None = None, on_progress: OnProgress = quiet
) -> ExportReport:
    """Write every statement ever made, withdrawn and later changed ones too; see `AnnotationRow` for the columns.

    Raises OutputError where the file cannot be written, and then leaves nothing; TaxonomyError without a class tree.
    """
    return _export_statements(ws, out, cut or Cut(), on_progress, words_only=False)


def export_words(ws: Workspace, out: Path, *, cut: Cut | None = None, on_progress: OnProgress = quiet) -> ExportReport:
    """Write what each annotator says now, one row per picture and annotator; else as `export_annotations`."""
    return _export_statements(ws, out, cut or Cut(), on_progress, words_only=True)


def _export_statements(
    ws: Workspace, out: Path, cut: Cut, on_progress: OnProgress, *, words_only: bool
) -> ExportReport:
    version, taxonomy = current_taxonomy(ws)
    out = _place(ws, out)
    report = ExportReport(out, "labels")
    with ws.reading() as connection:
        classes = _Classes(connection, version, taxonomy, cut_nodes(taxonomy, cut))
        total = exports.statement_count(connection, words_only=words_only)

        def rows() -> Iterator[AnnotationRow]:
            done = 0
            for chunk in exports.statements(connection, words_only=words_only):
                places = exports.places(connection, {row.image_id for row in chunk})
                for row in chunk:
                    written = _annotation_row(row, classes, _paths(places.get(row.image_id, []), out.parent))
                    report.left_out += written is None
                    if written:
                        yield written
                done += len(chunk)
                on_progress(done, total)

        with written_whole(out) as file:
            report.rows = write_annotations(file, rows())
    return report


def export_predictions(
    ws: Workspace, out: Path, *, run_id: int | None = None, cut: Cut | None = None, on_progress: OnProgress = quiet
) -> ExportReport:
    """Write what a run (None: the newest finished one) says of every picture, in the class tree it was trained on.

    Raises OutputError where the file cannot be written, and then leaves nothing; UnknownRun without predictions.
    """
    asked = _predicted_run(ws, run_id)
    taxonomy = taxonomy_version(ws, asked.taxonomy)
    stands = cut_nodes(taxonomy, cut or Cut())
    out = _place(ws, out)
    with ws.reading() as connection, written_whole(out) as file:
        rows = _prediction_rows(connection, asked, taxonomy, stands, out.parent, on_progress)
        levels = int(taxonomy.depths[stands].max())
        return ExportReport(out, "predictions", write_predictions(file, rows, levels=levels))


def export_tree(ws: Workspace, out: Path) -> ExportReport:
    """Write the class tree in use as `child,parent,name,synonyms,note`, to be changed and brought in again.

    Raises OutputError where the file cannot be written, and then leaves nothing; TaxonomyError without a class tree.
    """
    _, taxonomy = current_taxonomy(ws)
    out = _place(ws, out)
    with written_whole(out) as file:
        return ExportReport(out, "tree", write_tree(file, taxonomy))


def place_for_download(ws: Workspace) -> Path:
    """A fresh place in the cache for a table that a browser will fetch; those of yesterday are deleted.

    Raises OutputError where there can be none.
    """
    folder = ws.cache / "exports"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if old.stat().st_mtime < time.time() - KEPT_S:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise not_written(folder, error) from error
    return folder / f"{secrets.token_hex(8)}.csv"


def _predicted_run(ws: Workspace, run_id: int | None) -> Run:
    if run_id is None:
        with ws.reading() as connection:
            found = runs.newest_done(connection)
        if found is None:
            raise UnknownRun(
                "no training has finished yet", remedy="train a model first: `hmgc train`, or the Train page"
            )
        return found
    found = run(ws, run_id)
    if found.status != "done":
        raise UnknownRun(f"run {run_id} has no predictions: it is {found.state}", remedy="choose a finished one")
    return found


def _place(ws: Workspace, out: Path) -> Path:
    """Where the table will lie. Raises OutputError where it would take the place of the workspace's own database."""
    out = given_path(out).resolve()
    if out.parent == ws.folder and out.name.startswith(DATABASE):
        raise OutputError(f"{out} is the workspace's own database", remedy="give the table another name")
    if out.is_dir():
        raise OutputError(f"{out} is a folder", remedy="give the name of a file, such as labels.csv")
    return out


class _Paths(NamedTuple):
    """The columns of a table that say where a picture lies and where it came from."""

    path: str
    original_paths: str
    other_paths: str


def _paths(places: Sequence[Place], base: Path) -> _Paths:
    """Paths as a table in `base` names them: relative where they lie below it, so that both can move together."""
    paths = [p.path.relative_to(base).as_posix() if p.path.is_relative_to(base) else str(p.path) for p in places]
    originals = [name for place, path in zip(places, paths, strict=True) for name in place.originals or (path,)]
    return _Paths(
        paths[0] if paths else "", BETWEEN_PATHS.join(dict.fromkeys(originals)), BETWEEN_PATHS.join(paths[1:])
    )


# --- statements -------------------------------------------------------------------------------------------------------


class _Said(NamedTuple):
    """A statement as the table shows it. finer: what was said is below the cut. level: None where the tree lacks it."""

    kind: str
    key: str
    level: int | None
    name: str
    path: str
    finer: bool


@dataclass
class _Classes:
    """Leads each statement, as it was said in some version, to how it reads in the newest tree at the cut."""

    connection: sa.Connection
    version: int
    taxonomy: Taxonomy
    stands: IntArray
    steps: dict[int, list[Step]] = field(default_factory=dict)
    known: dict[tuple[int, str, str], _Said] = field(default_factory=dict)

    def of(self, version: int, kind: str, key: str) -> _Said:
        """How a statement of this version reads now; looked up once."""
        if (version, kind, key) not in self.known:
            if version not in self.steps:
                self.steps[version] = taxonomies.moves_after(self.connection, version)
            reading = read_on(kind, key, self.steps[version]) or Reading(kind, "")
            self.known[version, kind, key] = self._look_up(reading.kind, reading.key)
        return self.known[version, kind, key]

    def _look_up(self, kind: str, key: str) -> _Said:
        # `unusable` has no class, nor has what says nothing any more; a late label may name one dropped since.
        if key not in self.taxonomy:
            return _Said(kind, key, None, "", "", finer=False)
        said = self.taxonomy.index(key)
        node = int(self.stands[said])
        path = BETWEEN_CLASSES.join(self.taxonomy.path_keys(node))
        level = int(self.taxonomy.depths[node])
        return _Said(kind, self.taxonomy.keys[node], level, self.taxonomy.name(node), path, finer=node != said)


def _annotation_row(row: sa.Row, classes: _Classes, paths: _Paths) -> AnnotationRow | None:
    """The row of the table; None for "it is not NODE" with a node below the cut: of its ancestor it says nothing."""
    said = classes.of(row.taxonomy_id, row.kind, row.node_key)
    kind = said.kind
    if said.finer and kind == "is_not":
        return None
    if said.finer and kind == "none_here":
        kind = "is"  # none of the children of a finer class: still one of the children of this one
    state: State = "withdrawn" if row.withdrawn_at else "current" if row.word_id == row.id else "earlier"
    return AnnotationRow(
        **paths._asdict(),
        label=said.key,
        split=row.split,
        annotator=row.annotator_name,
        kind=cast(Kind, kind),
        state=state,
        said_at=row.created_at,
        level=said.level,
        name=said.name,
        class_path=said.path,
        said_as=row.node_key,
        tree_version=row.taxonomy_id,
        seconds=row.seconds,
        withdrawn_at=row.withdrawn_at,
        picture=row.image_id,
        uid=row.uid,
    )


# --- predictions ------------------------------------------------------------------------------------------------------


def _prediction_rows(
    connection: sa.Connection, asked: Run, taxonomy: Taxonomy, stands: IntArray, base: Path, on_progress: OnProgress
) -> Iterator[PredictionRow]:
    total, done = exports.prediction_count(connection, asked.id), 0
    for chunk in exports.predictions(connection, asked.id):
        places = exports.places(connection, {row.image_id for row in chunk})
        for row in chunk:
            paths = _paths(places.get(row.image_id, []), base)
            yield _prediction_row(row, asked, taxonomy, stands, paths)
        done += len(chunk)
        on_progress(done, total)


def _prediction_row(row: sa.Row, asked: Run, taxonomy: Taxonomy, stands: IntArray, paths: _Paths) -> PredictionRow:
    node = int(stands[taxonomy.index(row.node_key)])
    level = int(taxonomy.depths[node])
    steps = cast("list[tuple[str, float]]", row.path)[:level]
    return PredictionRow(
        run=asked.id,
        **paths._asdict(),
        key=taxonomy.keys[node],
        probability=steps[-1][1] if steps else 1.0,  # every picture is at the root
        level=level,
        name=taxonomy.name(node),
        class_path=BETWEEN_CLASSES.join(key for key, _ in steps),
        split=row.split,
        tree_version=asked.taxonomy,
        picture=row.image_id,
        steps=tuple((key, float(probability)) for key, probability in steps),
    )
