"""Queues: their rules, reservations, passes, saved selections, and the indexes that keep them quick."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_tables()
    with op.batch_alter_table("node") as node:
        node.add_column(sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
    _fill_depths()
    op.create_index("ix_node_taxonomy_id_position", "node", ["taxonomy_id", "position"], unique=True)
    op.create_index("ix_image_priority_id", "image", ["priority", "id"])
    op.drop_index("ix_word_node_key", "word")
    op.create_index("ix_word_node_key_image_id", "word", ["node_key", "image_id"])
    op.create_index("ix_word_annotator_id_annotation_id", "word", ["annotator_id", "annotation_id"])
    op.create_index("ix_prediction_run_id_probability_image_id", "prediction", ["run_id", "probability", "image_id"])
    op.create_index("ix_prediction_run_id_node_key_image_id", "prediction", ["run_id", "node_key", "image_id"])


def _add_tables() -> None:
    op.create_table(
        "queue_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("reserve_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queue_rules"),
    )
    op.create_table(
        "reservation",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name="fk_reservation_annotator_id_annotator"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_reservation_image_id_image", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", "annotator_id", name="pk_reservation"),
    )
    op.create_index("ix_reservation_until", "reservation", ["until"])
    op.create_table(
        "queue_pass",
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name="fk_queue_pass_annotator_id_annotator"),
        sa.PrimaryKeyConstraint("annotator_id", "queue", name="pk_queue_pass"),
    )
    op.create_table(
        "selection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_selection"),
        sa.UniqueConstraint("name", name="uq_selection_name"),
    )
    op.create_table(
        "selection_image",
        sa.Column("selection_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name="fk_selection_image_image_id_image", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["selection_id"], ["selection.id"], name="fk_selection_image_selection_id_selection"),
        sa.PrimaryKeyConstraint("selection_id", "place", name="pk_selection_image"),
    )
    op.create_index("ix_selection_image_image_id", "selection_image", ["image_id"])


def _fill_depths() -> None:
    """The level of each class, from its parent's: in pre-order a parent stands before its children."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT taxonomy_id, key, parent_key FROM node ORDER BY taxonomy_id, position")
    ).all()
    depths: dict[tuple[int, str], int] = {}
    for version, key, parent in rows:
        depths[version, key] = depths[version, parent] + 1 if parent is not None else 0
    if depths:
        connection.execute(
            sa.text("UPDATE node SET depth = :depth WHERE taxonomy_id = :version AND key = :key"),
            [{"version": version, "key": key, "depth": depth} for (version, key), depth in depths.items()],
        )
