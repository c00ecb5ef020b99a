"""The tables of a workspace. A change here needs a migration beside it; a test compares the two.

Statements of annotators are only ever added (`annotation`). Three tables hold what follows from them, so that no page
counts rows: `word` (what each annotator says now), `label_tally` and `image_tally`. They are written in the same
transaction as the statement, and `annotations.rebuild` makes them anew from the statements.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime, kept without its zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """To the database: as UTC, zone dropped."""
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """From the database: the zone put back."""
        return value.replace(tzinfo=UTC) if value else None


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def _table(name: str, *parts: Any) -> sa.Table:
    return sa.Table(name, metadata, *parts)


def _id() -> sa.Column:
    return sa.Column("id", sa.Integer, primary_key=True)


taxonomy = _table(
    "taxonomy",
    _id(),
    # Not unique: a class moved away and back again gives a later version with the former content.
    sa.Column("content_hash", sa.String(64), nullable=False, index=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False, default="", server_default=""),
    # What was changed, {} for a tree that came from a file; and the version that this one takes back.
    sa.Column("edit", sa.JSON, nullable=False, default=dict, server_default="{}"),
    sa.Column("undoes_id", sa.ForeignKey("taxonomy.id")),
    sa.Column("created_at", Moment, nullable=False),
)

# position and subtree_end are pre-order places inside one version, for "at or below" queries; depth is the level, 0 the
# root's. Labels hold keys only.
node = _table(
    "node",
    sa.Column("taxonomy_id", sa.ForeignKey("taxonomy.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("parent_key", sa.Text),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("synonyms", sa.JSON, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("subtree_end", sa.Integer, nullable=False),
    sa.Column("depth", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Index(None, "taxonomy_id", "position", unique=True),
)

# Where keys that a version dropped have gone; old_key -> new_key, applied version by version.
move = _table(
    "move",
    sa.Column("taxonomy_id", sa.ForeignKey("taxonomy.id"), primary_key=True),
    sa.Column("old_key", sa.Text, primary_key=True),
    sa.Column("new_key", sa.Text, nullable=False),
)

# Statements of this kind at this key, made before the version, say less from it on: see `leading`.
loosened = _table(
    "loosened",
    sa.Column("taxonomy_id", sa.ForeignKey("taxonomy.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("kind", sa.String(12), primary_key=True),
)

folder = _table("folder", _id(), sa.Column("path", sa.Text, nullable=False, unique=True))

# One row per import of pictures. Its labels are found by their uids, `import-N-…`; pictures and places by import_id.
# Without finished_at it runs (touched_at moves on) or was cut off after `done` of `total` rows.
picture_import = _table(
    "picture_import",
    _id(),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("how", sa.String(12), nullable=False),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("copied", sa.Boolean, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False, default=0),
    sa.Column("images", sa.Integer, nullable=False, default=0),
    sa.Column("duplicates", sa.Integer, nullable=False, default=0),
    sa.Column("known", sa.Integer, nullable=False, default=0),
    sa.Column("annotations", sa.Integer, nullable=False, default=0),
    sa.Column("skips", sa.Integer, nullable=False, default=0),
    sa.Column("skipped", sa.JSON, nullable=False, default=list),
    sa.Column("kept", sa.Integer, nullable=False, default=0),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("touched_at", Moment, nullable=False),
    sa.Column("finished_at", Moment),
    sa.Column("undone_at", Moment),
)

# words: how many annotators have a word on it; -1: it was taken out and lies nowhere. Such a row stays, so that ids are
# never used twice and a label that comes late finds its picture.
image = _table(
    "image",
    _id(),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("split", sa.String(8), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("words", sa.Integer, nullable=False, default=0),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("import_id", sa.ForeignKey("picture_import.id")),
    sa.Index(None, "words", "priority", "id"),
    sa.Index(None, "priority", "id"),
)

image_path = _table(
    "image_path",
    _id(),
    sa.Column("image_id", sa.ForeignKey("image.id"), nullable=False, index=True),
    sa.Column("folder_id", sa.ForeignKey("folder.id"), nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("import_id", sa.ForeignKey("picture_import.id")),
    sa.Column("original", sa.Text),  # of a copy: where it came from, as people know it, one name a line
    sa.UniqueConstraint("folder_id", "path"),
)

# Places that are no more, so that each can come back. replaced: the file there got another content in that import;
# else the import was taken back.
former_place = _table(
    "former_place",
    _id(),
    sa.Column("import_id", sa.ForeignKey("picture_import.id"), nullable=False, index=True),
    sa.Column("image_id", sa.ForeignKey("image.id"), nullable=False, index=True),
    sa.Column("folder_id", sa.ForeignKey("folder.id"), nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("original", sa.Text),
    sa.Column("replaced", sa.Boolean, nullable=False),
)

annotator = _table(
    "annotator",
    _id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
)

# A withdrawal is a row of its own (kind "withdrawal", withdraws_id = the row it takes back).
annotation = _table(
    "annotation",
    _id(),
    sa.Column("uid", sa.String(80), nullable=False, unique=True),
    sa.Column("image_id", sa.ForeignKey("image.id"), nullable=False),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id"), nullable=False),
    sa.Column("taxonomy_id", sa.ForeignKey("taxonomy.id"), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("node_key", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("shown", sa.JSON, nullable=False),
    sa.Column("withdraws_id", sa.ForeignKey("annotation.id"), unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index(None, "image_id", "annotator_id"),
    sa.Index(None, "annotator_id", "id"),
)

# kind and node_key read as in the newest taxonomy; the annotation stays as it was said. second_look_id: the version
# that gave reason to look at the picture again.
word = _table(
    "word",
    sa.Column("image_id", sa.ForeignKey("image.id"), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id"), primary_key=True),
    sa.Column("annotation_id", sa.ForeignKey("annotation.id"), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("node_key", sa.Text, nullable=False),
    sa.Column("second_look_id", sa.ForeignKey("taxonomy.id")),
    sa.Index(None, "node_key", "image_id"),
    sa.Index(None, "annotator_id", "annotation_id"),
    sa.Index(
        "ix_word_second_look_id",
        "second_look_id",
        sqlite_where=sa.text("second_look_id IS NOT NULL"),
        postgresql_where=sa.text("second_look_id IS NOT NULL"),
    ),
)

label_tally = _table(
    "label_tally",
    sa.Column("node_key", sa.Text, primary_key=True),
    sa.Column("kind", sa.String(12), primary_key=True),
    sa.Column("split", sa.String(8), primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
)

image_tally = _table(
    "image_tally",
    sa.Column("split", sa.String(8), primary_key=True),
    sa.Column("labelled", sa.Boolean, primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
)

run = _table(
    "run",
    _id(),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("status", sa.String(12), nullable=False, index=True),
    sa.Column("taxonomy_id", sa.ForeignKey("taxonomy.id"), nullable=False),
    sa.Column("last_annotation_id", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Column("owner", sa.Text, nullable=False, default=""),
    sa.Column("lease_until", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    sa.Column("stage", sa.Text, nullable=False, default=""),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("images_per_s", sa.Float),
    sa.Column("left_s", sa.Float),
    sa.Column("error", sa.Text, nullable=False, default=""),
    sa.Column("remedy", sa.Text, nullable=False, default=""),
    sa.Column("remarks", sa.JSON, nullable=False, default=list),
    sa.Column("checkpoint", sa.Text, nullable=False, default=""),
    sa.Column("metrics", sa.JSON, nullable=False, default=dict),
    sa.Column("set_aside", sa.Boolean, nullable=False, server_default=sa.false()),
)

epoch = _table(
    "epoch",
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("train_loss", sa.Float, nullable=False),
    sa.Column("images_per_s", sa.Float, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("finished_at", Moment, nullable=False),
)

prediction = _table(
    "prediction",
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("image_id", sa.ForeignKey("image.id"), primary_key=True),
    sa.Column("node_key", sa.Text, nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("path", sa.JSON, nullable=False),
    sa.Column("top", sa.JSON, nullable=False),
    sa.Index(None, "run_id", "probability", "image_id"),
    sa.Index(None, "run_id", "node_key", "image_id"),
)

# One row for each running worker or inspector; the app reads it to say who is there.
service = _table(
    "service",
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("role", sa.String(12), nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("heartbeat_at", Moment, nullable=False),
)

# --- queues: what comes next, for whom ---

# One row, written when somebody changes the rules.
queue_rules = _table(
    "queue_rules",
    _id(),
    sa.Column("people", sa.Integer, nullable=False),
    sa.Column("reserve_s", sa.Integer, nullable=False),
)

# A picture in somebody's hands until a moment; without a moment they skipped it. A courtesy: labels never ask for it.
reservation = _table(
    "reservation",
    sa.Column("image_id", sa.ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id"), primary_key=True),
    sa.Column("until", Moment, index=True),
)

# Since which annotation somebody goes through a queue whose pictures may have labels already.
queue_pass = _table(
    "queue_pass",
    sa.Column("annotator_id", sa.ForeignKey("annotator.id"), primary_key=True),
    sa.Column("queue", sa.Text, primary_key=True),
    sa.Column("since", sa.Integer, nullable=False),
)

# A named list of images, in an order of its own.
selection = _table(
    "selection",
    _id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
)

selection_image = _table(
    "selection_image",
    sa.Column("selection_id", sa.ForeignKey("selection.id"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("image_id", sa.ForeignKey("image.id", ondelete="CASCADE"), nullable=False, index=True),
)

# A named set of training labels, written once. settings: how it was made; labels: how many it was made with.
labelling = _table(
    "labelling",
    _id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("protocol", sa.String(12), nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("taxonomy_id", sa.ForeignKey("taxonomy.id"), nullable=False),
    sa.Column("labels", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

# node_key as in the labelling's version of the tree; it is read on as a statement is.
labelling_label = _table(
    "labelling_label",
    sa.Column("labelling_id", sa.ForeignKey("labelling.id"), primary_key=True),
    sa.Column("image_id", sa.ForeignKey("image.id"), primary_key=True, index=True),
    sa.Column("node_key", sa.Text, nullable=False),
)

# Heatmaps asked for by a page and made by the inspector; the pictures lie in the workspace under the row's id.
# A question to the inspector about one picture. Its answer lies in a folder of its own, and can be had again.
inspection = _table(
    "inspection",
    _id(),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("run_id", sa.ForeignKey("run.id"), nullable=False),
    sa.Column("image_id", sa.ForeignKey("image.id"), nullable=False),
    sa.Column("question", sa.JSON, nullable=False),
    sa.Column("status", sa.String(12), nullable=False, index=True),
    sa.Column("error", sa.Text, nullable=False, default=""),
    sa.Column("remedy", sa.Text, nullable=False, default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index(None, "run_id", "image_id"),
)

# Work that somebody waits for and that is no training: the worker does it, with a lease as for a run.
task = _table(
    "task",
    _id(),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("run_id", sa.ForeignKey("run.id")),
    sa.Column("question", sa.JSON, nullable=False),
    sa.Column("status", sa.String(12), nullable=False, index=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Column("owner", sa.Text, nullable=False, default=""),
    sa.Column("lease_until", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    sa.Column("stage", sa.Text, nullable=False, default=""),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("left_s", sa.Float),
    sa.Column("error", sa.Text, nullable=False, default=""),
    sa.Column("remedy", sa.Text, nullable=False, default=""),
    sa.Column("result", sa.JSON, nullable=False, default=dict),
    sa.Index(None, "kind", "run_id"),
)

# Pictures that show well what a class is.
reference = _table(
    "reference",
    sa.Column("node_key", sa.Text, primary_key=True),
    sa.Column("image_id", sa.ForeignKey("image.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("annotator_id", sa.ForeignKey("annotator.id"), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)
