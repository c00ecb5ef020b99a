"""Runs can be set aside: suggestions come from the newest finished one that is not."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("set_aside", sa.Boolean(), nullable=False, server_default=sa.false()))
