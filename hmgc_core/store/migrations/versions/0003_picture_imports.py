"""Imports of pictures: one row each, and which pictures and places came with it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "picture_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("how", sa.String(length=12), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("copied", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("annotations", sa.Integer(), nullable=False),
        sa.Column("skips", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("touched_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture_import")),
    )
    # Written out: alembic adds a foreign key to a table of SQLite only by copying all its rows.
    for table in ("image", "image_path"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN import_id INTEGER "
            f"CONSTRAINT fk_{table}_import_id_picture_import REFERENCES picture_import (id)"
        )
    op.add_column("image_path", sa.Column("original", sa.Text(), nullable=True))
    op.create_table(
        "former_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("original", sa.Text(), nullable=True),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["picture_import.id"], name=op.f("fk_former_place_import_id_picture_import")
        ),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_former_place_image_id_image")),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name=op.f("fk_former_place_folder_id_folder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_place")),
    )
    op.create_index(op.f("ix_former_place_import_id"), "former_place", ["import_id"])
    op.create_index(op.f("ix_former_place_image_id"), "former_place", ["image_id"])
