"""A workspace made by an earlier version of the program opens, complete, and with the tables of this one."""

import sqlite3
from pathlib import Path

import alembic.autogenerate
import alembic.command
import alembic.config
import alembic.runtime.migration
import pytest
import sqlalchemy as sa
from conftest import TINY_EDGES

from hmgc_core.store import checks
from hmgc_core.store.schema import metadata
from hmgc_core.store.workspace import DATABASE, MIGRATIONS
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import Merge
from hmgc_core.workflow import labelling, taxonomies, tree_edits, workspaces

MOMENT = "2026-01-02 03:04:05.000000"


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    """A workspace as the first version made it: the tiny tree, and two labelled pictures."""
    folder = tmp_path / "old"
    folder.mkdir()
    engine = sa.create_engine(f"sqlite:///{folder / DATABASE}")
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
    engine.dispose()
    tree = Taxonomy.from_edges(TINY_EDGES)
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.execute("INSERT INTO taxonomy VALUES (1, ?, 'tiny.csv', ?)", (tree.content_hash, MOMENT))
        for i, key in enumerate(tree.keys):
            parent = tree.keys[tree.parents[i]] if i else None
            place = int(tree.preorder_start[i]), int(tree.preorder_end[i])
            connection.execute("INSERT INTO node VALUES (1, ?, ?, '', '[]', '', ?, ?)", (key, parent, *place))
        connection.execute("INSERT INTO annotator VALUES (1, 'ada', ?)", (MOMENT,))
        connection.execute("INSERT INTO folder VALUES (1, '/photos')")
        for image in (1, 2):
            connection.execute(
                "INSERT INTO image VALUES (?, ?, 8, 8, 'train', ?, 1, ?)", (image, f"{image:064}", image, MOMENT)
            )
            connection.execute("INSERT INTO image_path VALUES (?, ?, 1, ?)", (image, image, f"{image}.png"))
            connection.execute(
                "INSERT INTO annotation VALUES (?, ?, ?, 1, 1, 'is', 'owl', 0.5, '{}', NULL, ?)",
                (image, f"uid-{image:05}", image, MOMENT),
            )
            connection.execute("INSERT INTO word VALUES (?, 1, ?, 'is', 'owl')", (image, image))
        connection.execute("INSERT INTO label_tally VALUES ('owl', 'is', 'train', 2)")
        connection.execute("INSERT INTO image_tally VALUES ('train', 1, 2)")
    return folder


def test_a_workspace_of_the_first_version_keeps_everything_and_can_be_edited(first_version: Path) -> None:
    ws = workspaces.open_workspace(first_version)
    assert taxonomies.current_taxonomy(ws) == (1, Taxonomy.from_edges(TINY_EDGES))
    assert [said.node for said in labelling.image_history(ws, 2)] == ["owl"]
    done = tree_edits.make_edit(ws, Merge("owl", "albatross"), seen=1)
    assert done.led == (("owl", "albatross", 2),)
    tree_edits.undo_edit(ws, seen=2)
    assert labelling.label_counts(ws).by_kind == {"is": 2}
    with ws.reading() as connection:
        assert checks.damage(connection) == []
        assert checks.wrong_counts(connection) == []


def test_foreign_keys_are_guarded_again_after_the_migration(first_version: Path) -> None:
    ws = workspaces.open_workspace(first_version)
    with ws.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    with pytest.raises(sa.exc.IntegrityError), ws.writing() as connection:
        connection.exec_driver_sql("DELETE FROM taxonomy")


def test_the_migrations_make_the_tables_of_the_schema(tmp_path: Path) -> None:
    ws = workspaces.open_workspace(tmp_path / "new")
    with ws.reading() as connection:
        context = alembic.runtime.migration.MigrationContext.configure(connection)
        assert alembic.autogenerate.compare_metadata(context, metadata) == []
