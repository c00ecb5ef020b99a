"""Databases of earlier versions are opened and brought up to date; the migrations make what the schema says."""

import sqlite3
from pathlib import Path

import alembic.autogenerate
import alembic.command
import alembic.config
import alembic.runtime.migration
import sqlalchemy as sa

from hmgc_core.store import schema
from hmgc_core.store.engine import WRITE, create_engine
from hmgc_core.store.workspace import MIGRATIONS
from hmgc_core.workflow import taxonomies, workspaces


def test_the_migrations_make_what_the_schema_says(tmp_path: Path) -> None:
    ws = workspaces.open_workspace(tmp_path)
    with ws.reading() as connection:
        context = alembic.runtime.migration.MigrationContext.configure(connection)
        assert alembic.autogenerate.compare_metadata(context, schema.metadata) == []


def test_a_workspace_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'hmgc.db'}")
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO taxonomy VALUES (1, 'hash', 'old.csv', '2026-01-01'), (2, 'more', 'new.csv', '2026-01-01')"
            )
        )
        for version in (1, 2):
            for position, (key, parent) in enumerate(
                [("life", None), ("bird", "life"), ("owl", "bird"), ("ship", "life")]
            ):
                connection.exec_driver_sql(
                    "INSERT INTO node (taxonomy_id, key, parent_key, name, synonyms, note, position, subtree_end)"
                    " VALUES (?, ?, ?, '', '[]', '', ?, 4)",
                    (version, key, parent, position),
                )
    engine.dispose()
    ws = workspaces.open_workspace(tmp_path)
    with sqlite3.connect(tmp_path / "hmgc.db") as connection:
        depths = connection.execute("SELECT key, depth FROM node WHERE taxonomy_id = 2 ORDER BY position").fetchall()
    assert depths == [("life", 0), ("bird", 1), ("owl", 2), ("ship", 1)]
    assert taxonomies.current_taxonomy(ws)[1].keys == ("life", "bird", "owl", "ship")
