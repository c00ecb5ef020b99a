"""What annotators say is added and never changed; what follows from it always agrees with it."""

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY_EDGES, label, upcoming, write_picture, write_table

from hmgc_core.errors import BadRequest, OrphanedLabels, UnknownImage, UnknownNode
from hmgc_core.records import NewAnnotation
from hmgc_core.store import annotations, checks
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import health, labelling, pictures, taxonomies, training
from hmgc_core.workflow.workspaces import Workspace


def words(ws: Workspace) -> dict[tuple[int, str], tuple[str, str]]:
    with ws.reading() as connection:
        return {(w.image_id, w.annotator): (w.kind, w.node) for w in annotations.words(connection)}


def rows(ws: Workspace) -> int:
    with sqlite3.connect(ws.folder / "hmgc.db") as connection:
        return connection.execute("SELECT COUNT(*) FROM annotation").fetchone()[0]


def assert_counts_are_true(ws: Workspace) -> None:
    with ws.reading() as connection:
        assert checks.wrong_counts(connection) == []
        assert checks.damage(connection) == []


def test_a_label_may_name_any_level_the_root_included(workspace: Workspace) -> None:
    for image_id, node in enumerate(["life", "bird", "albatross", "black-footed"], 1):
        label(workspace, image_id, node)
    counts = labelling.label_counts(workspace)
    assert counts.by_level == [1, 1, 1, 1]
    assert counts.labelled == 4
    assert counts.unlabelled == 20


def test_the_last_statement_of_an_annotator_is_their_word_and_all_stay(workspace: Workspace) -> None:
    label(workspace, 1, "bird")
    label(workspace, 1, "owl")
    label(workspace, 1, "ship", by="ben")
    assert words(workspace) == {(1, "ada"): ("is", "owl"), (1, "ben"): ("is", "ship")}
    assert [a.node for a in labelling.image_history(workspace, 1)] == ["bird", "owl", "ship"]
    assert_counts_are_true(workspace)


def test_the_same_label_sent_twice_is_stored_once(workspace: Workspace) -> None:
    label(workspace, 1, "owl", uid="the-same-uid")
    label(workspace, 1, "owl", uid="the-same-uid")
    assert rows(workspace) == 1
    assert labelling.label_counts(workspace).by_kind == {"is": 1}


def test_a_withdrawal_is_a_row_of_its_own_and_brings_the_earlier_word_back(workspace: Workspace) -> None:
    label(workspace, 1, "bird")
    uid = label(workspace, 1, "owl")
    labelling.withdraw(workspace, uid, annotator="ada")
    labelling.withdraw(workspace, uid, annotator="ada")
    assert rows(workspace) == 3
    assert words(workspace) == {(1, "ada"): ("is", "bird")}
    assert [a.withdrawn for a in labelling.image_history(workspace, 1)] == [False, True]
    assert_counts_are_true(workspace)


def test_nobody_withdraws_what_another_said(workspace: Workspace) -> None:
    uid = label(workspace, 1, "owl")
    with pytest.raises(BadRequest, match="no such label"):
        labelling.withdraw(workspace, uid, annotator="ben")
    assert words(workspace) == {(1, "ada"): ("is", "owl")}


def test_a_withdrawn_image_comes_back_into_the_queue(workspace: Workspace) -> None:
    first = upcoming(workspace, count=1)[0]
    uid = label(workspace, first.image.id, "owl")
    assert first.image.id not in [item.image.id for item in upcoming(workspace, count=50)]
    labelling.withdraw(workspace, uid, annotator="ada")
    assert upcoming(workspace, count=1)[0].image.id == first.image.id


def test_the_queue_gives_every_unlabelled_image_once_in_a_stable_order(workspace: Workspace) -> None:
    seen, after = [], ""
    while items := upcoming(workspace, after=after, count=5):
        seen += [item.image.id for item in items]
        after = items[-1].after
    assert sorted(seen) == list(range(1, 25))
    assert seen != sorted(seen)
    assert seen == [item.image.id for item in upcoming(workspace, count=50)]


def test_the_queue_is_answered_by_the_index_alone(workspace: Workspace) -> None:
    with sqlite3.connect(workspace.folder / "hmgc.db") as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT priority, id FROM image WHERE words = 0 AND (priority, id) > (5, 5)"
            " ORDER BY priority, id LIMIT 12"
        ).fetchall()
    assert "USING COVERING INDEX ix_image_words_priority_id" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_suggestions_of_the_newest_run_come_with_the_queue(predicted_workspace: Workspace) -> None:
    items = upcoming(predicted_workspace, count=4)
    assert {item.image.id for item in items} == {21, 22, 23, 24}
    assert all(item.suggestion and item.suggestion.path[0][0] in ("bird", "ship") for item in items)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"node": "albatros"}, UnknownNode, "albatros"),
        ({"image_id": 99}, UnknownImage, "no image 99"),
        ({"kind": "maybe"}, BadRequest, "no kind"),
        ({"uid": "x"}, BadRequest, "uid"),
        ({"seconds": float("nan")}, BadRequest, "seconds"),
        ({"seconds": -1.0}, BadRequest, "seconds"),
        ({"kind": "unusable"}, BadRequest, "no node"),
        ({"kind": "is_not", "node": "life"}, BadRequest, "root"),
        ({"shown": {"x": "y" * 3000}}, BadRequest, "too large"),
    ],
)
def test_a_wrong_statement_is_refused_and_nothing_beside_it_is_stored(
    workspace: Workspace, change: dict[str, object], error: type[Exception], words: str
) -> None:
    version, _ = taxonomies.current_taxonomy(workspace)
    good = NewAnnotation("good-uid-1", 1, "owl", "is", version)
    bad = NewAnnotation(**{**vars(good), "uid": "good-uid-2", **change})  # type: ignore[arg-type]
    with pytest.raises(error, match=words):
        labelling.annotate(workspace, [good, bad], annotator="ada")
    assert rows(workspace) == 0


def test_random_histories_keep_every_count_true(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    keys = [*taxonomies.current_taxonomy(workspace)[1].keys[1:]]
    uids: list[tuple[str, str]] = []
    for number in range(150):
        by = str(rng.choice(["ada", "ben", "chi"]))
        if uids and rng.random() < 0.3:
            uid, who = uids[rng.integers(len(uids))]
            labelling.withdraw(workspace, uid, annotator=who)
        else:
            kind = str(rng.choice(["is", "is_not", "none_here", "unusable"]))
            node = "" if kind == "unusable" else str(rng.choice(keys))
            image_id = int(rng.integers(1, 8))
            uids.append((label(workspace, image_id, node, kind=kind, by=by, uid=f"random-{number}"), by))
    assert_counts_are_true(workspace)
    before = words(workspace), labelling.label_counts(workspace)
    health.repair(workspace)
    assert (words(workspace), labelling.label_counts(workspace)) == before


def test_twenty_annotators_at_once_lose_nothing(workspace: Workspace) -> None:
    failures: list[BaseException] = []

    def annotate(person: int) -> None:
        try:
            for image_id in range(1, 25):
                label(workspace, image_id, "owl", by=f"person {person}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=annotate, args=(person,)) for person in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert rows(workspace) == 20 * 24
    assert labelling.label_counts(workspace).by_kind == {"is": 20 * 24}
    assert_counts_are_true(workspace)


# --- versions of the tree -----------------------------------------------------------------------------------------


def test_a_version_that_drops_keys_in_use_is_refused_with_counts(labelled_workspace: Workspace) -> None:
    smaller = Taxonomy.from_edges([("bird", "life"), ("ship", "life"), ("steamer", "ship"), ("tug", "steamer")])
    with pytest.raises(OrphanedLabels) as caught:
        taxonomies.store_taxonomy(labelled_workspace, smaller, source="smaller")
    assert caught.value.counts == {"gull-like": 5, "owl": 5, "albatross": 5}
    assert taxonomies.current_taxonomy(labelled_workspace)[0] == 1


def test_labels_of_dropped_keys_move_to_their_nearest_ancestor_and_keep_what_was_said(
    labelled_workspace: Workspace,
) -> None:
    smaller = Taxonomy.from_edges([("bird", "life"), ("ship", "life"), ("steamer", "ship"), ("tug", "steamer")])
    done = taxonomies.store_taxonomy(labelled_workspace, smaller, source="smaller", to_ancestor=True)
    assert (done.version, done.moved) == (2, 15)
    assert words(labelled_workspace)[1, "ada"] == ("is", "bird")
    assert labelling.image_history(labelled_workspace, 1)[0].node == "gull-like"
    assert_counts_are_true(labelled_workspace)


def test_a_page_with_the_old_tree_may_still_label_with_a_retired_key(labelled_workspace: Workspace) -> None:
    smaller = Taxonomy.from_edges([("bird", "life"), ("ship", "life"), ("steamer", "ship"), ("tug", "steamer")])
    taxonomies.store_taxonomy(labelled_workspace, smaller, source="smaller", to_ancestor=True)
    labelling.annotate(labelled_workspace, [NewAnnotation("late-uid", 24, "gull-like", "is", 1)], annotator="ada")
    assert words(labelled_workspace)[24, "ada"] == ("is", "bird")
    with pytest.raises(UnknownNode):
        labelling.annotate(labelled_workspace, [NewAnnotation("late-uid-2", 24, "gull-like", "is", 2)], annotator="ada")


def test_moves_lead_keys_where_the_file_says(labelled_workspace: Workspace, tmp_path: Path) -> None:
    tree_file = tmp_path / "new.csv"
    tree_file.write_text(
        "child,parent\nbird,life\nship,life\nalbatross,bird\nstrigiform,bird\nblack-footed,albatross\n"
        "gull-like,albatross\nsteamer,ship\ntug,steamer\n"
    )
    moves = tmp_path / "moves.csv"
    moves.write_text("old,new\nowl,strigiform\n")
    dry = taxonomies.import_taxonomy(labelled_workspace, tree_file, moves=moves, dry_run=True)
    assert (dry.version, dry.moved) == (0, 5)
    assert taxonomies.import_taxonomy(labelled_workspace, tree_file, moves=moves).moved == 5
    assert words(labelled_workspace)[2, "ada"] == ("is", "strigiform")


def test_importing_the_same_tree_again_changes_nothing(labelled_workspace: Workspace, tiny_tree: Taxonomy) -> None:
    assert taxonomies.store_taxonomy(labelled_workspace, tiny_tree, source="again").version == 1


def test_a_version_read_back_is_the_one_that_was_stored(empty_workspace: Workspace) -> None:
    odd = Taxonomy.from_paths([("<b>", "😀"), ("<b>", "طائر"), ("a, b", "c")])
    version = taxonomies.store_taxonomy(empty_workspace, odd, source="odd").version
    empty_workspace.taxonomies.clear()
    assert taxonomies.taxonomy_version(empty_workspace, version) == odd


# --- what a run learns from -----------------------------------------------------------------------------------------


def frozen(ws: Workspace, upto: int | None = None) -> training.RunLabels:
    version, taxonomy = taxonomies.current_taxonomy(ws)
    with ws.reading() as connection:
        newest = annotations.last_id(connection)
    return training._learnable(ws, taxonomy, version, newest if upto is None else upto, "")


def said(labels: training.RunLabels) -> list[tuple[str, int, float]]:
    return [(labels.taxonomy.keys[s.node], s.kind, s.weight) for s in labels.train]


def test_several_annotators_of_one_image_share_its_weight(workspace: Workspace) -> None:
    label(workspace, 1, "bird")
    label(workspace, 1, "owl", by="ben")
    assert said(frozen(workspace)) == [("bird", 0, 0.5), ("owl", 0, 0.5)]


def test_not_this_stands_beside_a_later_coarser_word(workspace: Workspace) -> None:
    label(workspace, 1, "black-footed", kind="is_not")
    label(workspace, 1, "albatross")
    assert said(frozen(workspace)) == [("albatross", 0, 1.0), ("black-footed", 1, 1.0)]


def test_a_later_word_takes_back_a_not_this_that_it_contradicts(workspace: Workspace) -> None:
    label(workspace, 1, "albatross", kind="is_not")
    label(workspace, 1, "black-footed")
    assert said(frozen(workspace)) == [("black-footed", 0, 1.0)]


def test_unusable_images_are_left_out_and_counted(workspace: Workspace) -> None:
    label(workspace, 1, "", kind="unusable")
    label(workspace, 2, "owl")
    labels = frozen(workspace)
    assert said(labels) == [("owl", 0, 1.0)]
    assert labels.remarks[0] == "left out: 1 label says that the picture is unusable"


def test_a_snapshot_never_changes_whatever_comes_later(workspace: Workspace) -> None:
    uid = label(workspace, 1, "owl")
    with workspace.reading() as connection:
        then = annotations.last_id(connection)
    before = said(frozen(workspace, then))
    labelling.withdraw(workspace, uid, annotator="ada")
    label(workspace, 1, "ship")
    label(workspace, 2, "bird")
    assert said(frozen(workspace, then)) == before == [("owl", 0, 1.0)]
    assert said(frozen(workspace)) == [("ship", 0, 1.0), ("bird", 0, 1.0)]


def test_disagreeing_answers_on_a_test_image_meet_at_their_common_ancestor(workspace: Workspace) -> None:
    label(workspace, 17, "black-footed")
    label(workspace, 17, "owl", by="ben")
    label(workspace, 18, "bird")
    label(workspace, 18, "owl", by="ben")
    labels = frozen(workspace)
    assert [labels.taxonomy.keys[s.node] for s in labels.test] == ["bird", "owl"]


def test_pictures_come_and_go_with_their_folder(workspace: Workspace, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for number in range(24):
        write_picture(moved / "photos" / f"{number:02d}.png", number)
    pictures.point_folder(workspace, tmp_path, moved)
    assert pictures.image(workspace, 1).path.is_relative_to(moved)
    assert write_table  # the fixtures' own table stays where it was


def test_a_run_of_an_older_tree_leaves_out_labels_of_classes_it_does_not_know(labelled_workspace: Workspace) -> None:
    version, tree_then = taxonomies.current_taxonomy(labelled_workspace)
    larger = Taxonomy.from_edges([*TINY_EDGES, ("plane", "life")])
    taxonomies.store_taxonomy(labelled_workspace, larger, source="larger")
    label(labelled_workspace, 21, "plane")
    with labelled_workspace.reading() as connection:
        newest = annotations.last_id(connection)
    labels = training._learnable(labelled_workspace, tree_then, version, newest, "")
    assert "1 label names a class that this version" in labels.remarks[0]
    assert len(frozen(labelled_workspace).test) == len(labels.test) + 1
