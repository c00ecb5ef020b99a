"""Changes of the class tree: who made them, what they loosened, what they took back, who looks again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("taxonomy", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_taxonomy_content_hash"), type_="unique")
        batch_op.create_index(batch_op.f("ix_taxonomy_content_hash"), ["content_hash"], unique=False)
        batch_op.add_column(sa.Column("author", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("edit", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("undoes_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_taxonomy_undoes_id_taxonomy"), "taxonomy", ["undoes_id"], ["id"])

    op.create_table(
        "loosened",
        sa.Column("taxonomy_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["taxonomy_id"], ["taxonomy.id"], name=op.f("fk_loosened_taxonomy_id_taxonomy")),
        sa.PrimaryKeyConstraint("taxonomy_id", "key", "kind", name=op.f("pk_loosened")),
    )
    # In one statement, so that SQLite need not copy a table that may hold millions of rows.
    op.execute(
        "ALTER TABLE word ADD COLUMN second_look_id INTEGER"
        " CONSTRAINT fk_word_second_look_id_taxonomy REFERENCES taxonomy (id)"
    )
    op.create_index(
        op.f("ix_word_second_look_id"),
        "word",
        ["second_look_id"],
        unique=False,
        sqlite_where=sa.text("second_look_id IS NOT NULL"),
        postgresql_where=sa.text("second_look_id IS NOT NULL"),
    )
