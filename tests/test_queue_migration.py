"""A workspace made before there were queues opens, with the level of each class filled in."""

import sqlite3
from pathlib import Path

import alembic.autogenerate
import alembic.command
import alembic.config
import alembic.runtime.migration

from hmgc_core.store import schema
from hmgc_core.store.engine import WRITE, create_engine
from hmgc_core.store.workspace import DATABASE, MIGRATIONS
from hmgc_core.workflow import taxonomies, workspaces

NODES = [("life", None, 0, 4), ("bird", "life", 1, 3), ("owl", "bird", 2, 3), ("ship", "life", 3, 4)]


def test_the_migrations_make_what_the_schema_says(tmp_path: Path) -> None:
    ws = workspaces.open_workspace(tmp_path)
    with ws.reading() as connection:
        context = alembic.runtime.migration.MigrationContext.configure(connection)
        assert alembic.autogenerate.compare_metadata(context, schema.metadata) == []


def test_the_classes_of_an_earlier_workspace_get_their_level(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / DATABASE}")
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    insert = (
        "INSERT INTO node (taxonomy_id, key, parent_key, name, synonyms, note, position, subtree_end)"
        " VALUES (?, ?, ?, '', '[]', '', ?, ?)"
    )
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
        for version in (1, 2):
            row = (version, f"hash {version}", "2026-01-02 03:04:05")
            connection.exec_driver_sql("INSERT INTO taxonomy VALUES (?, ?, 'old.csv', ?)", row)
            for node in NODES:
                connection.exec_driver_sql(insert, (version, *node))
    engine.dispose()
    ws = workspaces.open_workspace(tmp_path)
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        depths = connection.execute("SELECT key, depth FROM node WHERE taxonomy_id = 2 ORDER BY position").fetchall()
    assert depths == [("life", 0), ("bird", 1), ("owl", 2), ("ship", 1)]
    assert taxonomies.current_taxonomy(ws)[1].keys == ("life", "bird", "owl", "ship")
