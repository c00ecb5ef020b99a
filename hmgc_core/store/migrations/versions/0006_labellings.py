"""Labellings: named sets of training labels over the images."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "labelling",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("protocol", sa.String(12), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("taxonomy_id", sa.Integer(), nullable=False),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["taxonomy_id"], ["taxonomy.id"], name="fk_labelling_taxonomy_id_taxonomy"),
        sa.PrimaryKeyConstraint("id", name="pk_labelling"),
        sa.UniqueConstraint("name", name="uq_labelling_name"),
    )
    op.create_table(
        "labelling_label",
        sa.Column("labelling_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("node_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["labelling_id"], ["labelling.id"], name="fk_labelling_label_labelling_id_labelling"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_labelling_label_image_id_image"),
        sa.PrimaryKeyConstraint("labelling_id", "image_id", name="pk_labelling_label"),
    )
    op.create_index("ix_labelling_label_image_id", "labelling_label", ["image_id"])
