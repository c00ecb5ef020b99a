"""Queues: what comes next, for whom, and in whose hands it is meanwhile."""

import sqlite3
import threading
from datetime import timedelta

import pytest
from conftest import TINY_LEAVES, label, upcoming

from hmgc_core.errors import BadRequest, UnknownImage, UnknownNode
from hmgc_core.records import NewAnnotation, Prediction, QueueChoice, QueueRules, RunConfig
from hmgc_core.store import jobs, predictions, schema
from hmgc_core.tree_edits import Split
from hmgc_core.workflow import labelling, queues, selections, taxonomies, training, tree_edits
from hmgc_core.workflow.queues import QueuePage
from hmgc_core.workflow.workspaces import Workspace


def ids(ws: Workspace, queue: str = "", *, by: str = "ada", count: int = 48) -> list[int]:
    return [item.image.id for item in upcoming(ws, queue, by=by, count=count)]


def page(ws: Workspace, queue: str = "", *, by: str = "ada", count: int = 48) -> QueuePage:
    return queues.next_pictures(ws, QueueChoice.parse(queue), annotator=by, count=count)


def hours_later(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    later = schema.now() + timedelta(hours=hours)
    monkeypatch.setattr(queues, "now", lambda: later)


def walked(ws: Workspace, queue: str, count: int) -> list[int]:
    """All of a queue, a few at a time."""
    seen, after = [], ""
    while items := upcoming(ws, queue, after=after, count=count):
        seen += [item.image.id for item in items]
        after = items[-1].after
    return seen


@pytest.fixture
def unsure_workspace(workspace: Workspace) -> Workspace:
    """Labelled by import: 1 and 24 `ship`, 12 `bird`. Run 1 is the surer that it sees an owl the larger the number."""
    label(workspace, 24, "ship", by="import")
    label(workspace, 1, "ship", by="import")
    label(workspace, 12, "bird", by="import")
    run_id = training.queue_run(workspace, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    made = [
        Prediction(run_id, i, "owl", 0.3 + i / 100, (("bird", 0.9), ("owl", 0.3 + i / 100)), (("owl", 0.3 + i / 100),))
        for i in range(1, 25)
    ]
    with workspace.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        predictions.replace_all(connection, run_id, made)
        jobs.finish(connection, run_id, owner="test", status="done")
    return workspace


# --- what each queue holds --------------------------------------------------------------------------------------------


def test_a_choice_is_a_text_and_comes_back_from_it() -> None:
    for text in ("unlabelled", "unsure", "contradicted", "class:a:b/c", "predicted:x", "folder:1/a b", "selection:3"):
        assert str(QueueChoice.parse(text)) == text
    assert QueueChoice.parse("") == QueueChoice("unlabelled")


@pytest.mark.parametrize("text", ["nothing", "class", "class:", "unsure:3", "folder", "class:" + "x" * 3000])
def test_a_text_that_is_no_choice_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="no queue"):
        QueueChoice.parse(text)


@pytest.mark.parametrize(
    ("queue", "error"),
    [
        ("class:dragon", UnknownNode), ("predicted:owl", BadRequest), ("unsure", BadRequest),
        ("contradicted", BadRequest), ("selection:1", BadRequest), ("selection:x", BadRequest),
        ("folder:9", BadRequest), ("folder:x/y", BadRequest),
    ],
)  # fmt: skip
def test_a_queue_that_is_not_there_is_refused_with_a_remedy(
    workspace: Workspace, queue: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        upcoming(workspace, queue)
    assert caught.value.remedy  # type: ignore[attr-defined]


def test_the_least_sure_come_first_and_only_those_without_a_label(unsure_workspace: Workspace) -> None:
    waiting = [i for i in range(2, 24) if i != 12]
    assert ids(unsure_workspace, "unsure") == waiting
    assert walked(unsure_workspace, "unsure", 5) == waiting


def test_labels_that_the_model_contradicts_come_the_surest_answer_first(unsure_workspace: Workspace) -> None:
    label(unsure_workspace, 5, "owl")
    label(unsure_workspace, 6, "bird")  # the answer refines it
    label(unsure_workspace, 7, "albatross")
    label(unsure_workspace, 8, "", kind="unusable")
    assert ids(unsure_workspace, "contradicted") == [24, 7, 1]
    assert walked(unsure_workspace, "contradicted", 2) == [24, 7, 1]


def test_pictures_looked_through_again_come_with_what_was_said(workspace: Workspace) -> None:
    label(workspace, 5, "owl")
    label(workspace, 5, "albatross", by="ben")

    def said(queue: str, by: str) -> list[tuple[str, str]]:
        (item,) = [item for item in upcoming(workspace, queue, by=by, count=24) if item.image.id == 5]
        return [(word.annotator, word.node) for word in item.said]

    assert sorted(said("class:bird", "chi")) == [("ada", "owl"), ("ben", "albatross")]
    queues.set_rules(workspace, QueueRules(people=3))  # on purpose the same pictures: nobody sees what the others say
    assert said("class:bird", "ben") == [("ben", "albatross")]
    label(workspace, 6, "owl")
    assert {item.said for item in upcoming(workspace, by="chi", count=24)} == {()}


def test_a_class_holds_what_people_called_so_or_below_class_by_class(labelled_workspace: Workspace) -> None:
    owls, gulls = [2, 6, 10, 14, 18], [1, 5, 9, 13, 17]
    albatrosses = [4, 8, 12, 16, 20]
    assert ids(labelled_workspace, "class:bird") == albatrosses + gulls + owls
    assert walked(labelled_workspace, "class:bird", 4) == albatrosses + gulls + owls
    assert ids(labelled_workspace, "class:ship", by="ben") == [3, 7, 11, 15, 19]
    assert ids(labelled_workspace, "class:black-footed") == []


def test_what_the_model_takes_for_a_class_waits_for_a_label(predicted_workspace: Workspace) -> None:
    by_class = {leaf: [i for i in (21, 22, 23, 24) if TINY_LEAVES[i % 4] == leaf] for leaf in TINY_LEAVES}
    assert ids(predicted_workspace, "predicted:owl") == by_class["owl"]
    assert ids(predicted_workspace, "predicted:albatross") == by_class["black-footed"] + by_class["gull-like"]


def test_a_folder_comes_in_the_order_of_its_paths(workspace: Workspace) -> None:
    (whole, photos) = queues.folders(workspace)
    assert (whole.of, whole.pictures, photos.of, photos.pictures) == ("1", 24, "1/photos", 24)
    label(workspace, 3, "owl")
    assert walked(workspace, "folder:1/photos", 5) == [i for i in range(1, 25) if i != 3]
    assert ids(workspace, "folder:1/phot") == []
    assert queues.folder_path(workspace, "1/photos").name == "photos"


def test_a_selection_keeps_its_order_and_can_be_forgotten(workspace: Workspace) -> None:
    label(workspace, 9, "owl")
    saved = selections.save(workspace, " Odd   ones ", [9, 3, 17])
    assert selections.all_selections(workspace) == [saved]
    assert (saved.name, saved.total) == ("Odd ones", 3)
    assert ids(workspace, f"selection:{saved.id}") == [9, 3, 17]
    with pytest.raises(BadRequest, match="already"):
        selections.save(workspace, "Odd ones", [1])
    selections.delete(workspace, saved.id)
    with pytest.raises(BadRequest, match="no selection"):
        selections.delete(workspace, saved.id)
    assert selections.all_selections(workspace) == []
    assert labelling.image_counts(workspace)[:2] == (24, 1)


@pytest.mark.parametrize(("name", "images"), [("", [1]), ("x" * 70, [1]), ("a\u202eb", [1]), ("good", [])])
def test_a_useless_selection_is_refused(workspace: Workspace, name: str, images: list[int]) -> None:
    with pytest.raises(BadRequest):
        selections.save(workspace, name, images)
    assert selections.all_selections(workspace) == []


# --- passes -----------------------------------------------------------------------------------------------------------


def test_pictures_of_a_split_class_wait_for_those_who_labelled_them(workspace: Workspace) -> None:
    label(workspace, 1, "owl", by="ada")
    label(workspace, 2, "owl", by="import")
    label(workspace, 3, "owl", by="grace")
    label(workspace, 4, "ship", by="ada")
    tree_edits.make_edit(workspace, Split("owl", ("barn owl", "snowy owl")), seen=1)
    assert sorted(ids(workspace, "second-look")) == [1, 2]
    label(workspace, 1, "barn owl", by="ada")
    label(workspace, 2, "owl", by="ada")
    assert ids(workspace, "second-look") == []
    assert sorted(ids(workspace, "second-look", by="grace")) == [3]


def test_a_second_look_comes_once_in_a_pass(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    owls = ids(ws, "class:owl")
    label(ws, owls[0], "owl", uid="a-second-look-1")  # the same again
    label(ws, owls[1], "tug", uid="a-second-look-2")
    assert ids(ws, "class:owl") == owls[2:]
    assert queues.size(ws, QueueChoice("class", "owl"), annotator="ada") == queues.QueueSize(3, 4)
    queues.start_over(ws, QueueChoice("class", "owl"), annotator="ada")
    assert ids(ws, "class:owl") == [owls[0], *owls[2:]]


def test_what_is_called_so_after_the_pass_began_waits_for_the_next(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    owls = ids(ws, "class:owl")
    label(ws, 23, "owl", by="ben")
    assert ids(ws, "class:owl") == owls
    queues.start_over(ws, QueueChoice("class", "owl"), annotator="ada")
    assert ids(ws, "class:owl") == [*owls, 23]


def test_a_label_taken_back_makes_the_second_look_due_again(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    owls = ids(ws, "class:owl")
    uid = label(ws, owls[0], "tug", uid="by-mistake-1")
    labelling.withdraw(ws, uid, annotator="ada")
    assert ids(ws, "class:owl") == owls


def test_what_another_looked_at_meanwhile_does_not_come_again(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    owls = ids(ws, "class:owl")
    queues.next_pictures(ws, QueueChoice("class", "owl"), annotator="ben", count=5)
    label(ws, owls[0], "owl", by="ben")
    assert ids(ws, "class:owl") == owls[1:]


# --- in whose hands ---------------------------------------------------------------------------------------------------


def test_two_people_get_different_pictures(workspace: Workspace) -> None:
    first, second = ids(workspace, count=8), ids(workspace, by="ben", count=8)
    assert not set(first) & set(second)
    assert ids(workspace, count=8) == first  # one's own stay
    ended = page(workspace, by="chi", count=9)
    assert (len(ended.items), ended.ended, ended.held) == (8, True, 16)


def test_twenty_people_at_once_get_different_pictures(workspace: Workspace) -> None:
    handed: list[int] = []
    failures: list[BaseException] = []
    ready = threading.Barrier(20)

    def ask(person: int) -> None:
        try:
            ready.wait()
            handed.extend(ids(workspace, by=f"person {person}", count=1))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(person,)) for person in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(handed) == len(set(handed)) == 20


def test_a_reservation_ends_with_its_time(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ids(workspace, count=4)
    hours_later(monkeypatch, 0.1)
    assert not set(first) & set(ids(workspace, by="ben", count=4))
    hours_later(monkeypatch, 0.2)
    assert ids(workspace, by="chi", count=4) == first


def test_a_reservation_can_be_renewed_and_tells_what_was_lost(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ids(workspace, count=6)
    hours_later(monkeypatch, 0.15)
    assert queues.hold(workspace, QueueChoice(), first[:3], annotator="ada") == first[:3]
    hours_later(monkeypatch, 0.3)
    assert ids(workspace, by="ben", count=3) == first[3:]
    label(workspace, first[0], "owl", by="chi")
    assert queues.hold(workspace, QueueChoice(), first, annotator="ada") == first[1:3]


def test_a_label_frees_its_picture_and_needs_no_reservation(workspace: Workspace) -> None:
    first = ids(workspace, count=2)
    label(workspace, first[0], "owl", by="ben")  # ada has it at hand
    label(workspace, first[1], "owl")
    assert [w.node for w in labelling.image_history(workspace, first[0])] == ["owl"]
    uid = label(workspace, first[1], "tug", uid="one-more-uid")
    for taken in (f"uid-ada-{first[1]}-owl-is", uid):
        labelling.withdraw(workspace, taken, annotator="ada")
    assert first[1] in ids(workspace, by="chi")


def test_not_this_one_stays_in_hand(workspace: Workspace) -> None:
    saved = selections.save(workspace, "these", [3, 4])
    queue = f"selection:{saved.id}"
    assert ids(workspace, queue) == [3, 4]
    label(workspace, 3, "owl", kind="is_not")
    assert ids(workspace, queue, by="ben") == []


def test_skipped_pictures_come_at_the_end_in_any_browser_and_others_get_them_at_once(workspace: Workspace) -> None:
    first = ids(workspace, count=3)
    queues.skip(workspace, first[0], annotator="ada")
    ended = page(workspace)
    assert first[0] not in [item.image.id for item in ended.items]
    assert (ended.skipped, ended.held) == (1, 0)
    assert first[0] in ids(workspace, by="ben", count=1)
    queues.again(workspace, QueueChoice(), annotator="ben")  # somebody else's wish
    assert first[0] not in ids(workspace)
    queues.again(workspace, QueueChoice(), annotator="ada")
    with workspace.writing() as connection:
        connection.exec_driver_sql("DELETE FROM reservation")
    assert ids(workspace)[0] == first[0]
    with pytest.raises(UnknownImage):
        queues.skip(workspace, 999, annotator="ada")


def test_again_brings_skipped_pictures_back_and_leaves_the_pass(labelled_workspace: Workspace) -> None:
    ws, owl = labelled_workspace, QueueChoice("class", "owl")
    owls = ids(ws, "class:owl")
    label(ws, owls[0], "owl", uid="a-second-look-1")
    queues.skip(ws, owls[1], annotator="ada")
    queues.again(ws, owl, annotator="ada")
    assert ids(ws, "class:owl") == owls[1:]
    queues.again(ws, owl, annotator="ada")  # nothing skipped: from the start
    assert ids(ws, "class:owl") == owls


def test_pictures_come_without_a_reservation_while_the_database_is_locked(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "PATIENCE_S", 0.05)
    expected = ids(workspace, count=5)
    other = sqlite3.connect(workspace.folder / "hmgc.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert ids(workspace, count=5) == expected
    assert len(ids(workspace, by="somebody new", count=5)) == 5
    other.execute("ROLLBACK")
    other.close()


# --- several labels for each picture ----------------------------------------------------------------------------------


def test_with_two_people_for_each_picture_both_get_the_same_and_a_third_does_not(workspace: Workspace) -> None:
    queues.set_rules(workspace, QueueRules(people=2))
    first = ids(workspace, count=5)
    assert ids(workspace, by="ben", count=5) == first
    assert not set(first) & set(ids(workspace, by="chi", count=5))


def test_a_picture_leaves_with_ones_own_label_or_that_of_enough_others(workspace: Workspace) -> None:
    queues.set_rules(workspace, QueueRules(people=2))
    first = ids(workspace, count=3)
    label(workspace, first[0], "owl")
    assert first[0] not in ids(workspace)
    assert first[0] in ids(workspace, by="ben")
    label(workspace, first[0], "tug", by="ben")
    assert first[0] not in ids(workspace, by="chi")
    assert queues.size(workspace, QueueChoice(), annotator="chi").left == 23


def test_with_several_people_a_second_look_is_at_ones_own_labels(labelled_workspace: Workspace) -> None:
    queues.set_rules(labelled_workspace, QueueRules(people=2))
    assert ids(labelled_workspace, "class:owl", by="ben") == []
    label(labelled_workspace, 3, "owl", by="ben")
    queues.start_over(labelled_workspace, QueueChoice("class", "owl"), annotator="ben")
    assert ids(labelled_workspace, "class:owl", by="ben") == [3]


@pytest.mark.parametrize("rules", [QueueRules(0), QueueRules(99), QueueRules(1, 5), QueueRules(1, 10**6)])
def test_rules_out_of_range_are_refused(workspace: Workspace, rules: QueueRules) -> None:
    with pytest.raises(BadRequest, match="for"):
        queues.set_rules(workspace, rules)
    assert queues.rules(workspace) == QueueRules()


# --- no queue sorts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [1, 3])
@pytest.mark.parametrize("queue", ["unlabelled", "unsure", "contradicted", "folder:1", "class:bird", "predicted:bird"])
def test_every_queue_walks_an_index(predicted_workspace: Workspace, queue: str, people: int) -> None:
    ws = predicted_workspace
    queues.set_rules(ws, QueueRules(people=people))
    asked: list[tuple[str, tuple[object, ...]]] = []
    import sqlalchemy as sa

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        if statement.startswith("SELECT") and "LIMIT" in statement and "ORDER BY" in statement:
            asked.append((statement, parameters))

    sa.event.listen(ws.engine, "before_cursor_execute", note)
    items = upcoming(ws, queue, by="ben", count=1)
    upcoming(ws, queue, by="ben", count=1, after=items[0].after if items else "")
    sa.event.remove(ws.engine, "before_cursor_execute", note)
    assert asked
    with sqlite3.connect(ws.folder / "hmgc.db") as connection:
        for statement, parameters in asked:
            plan = str(connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())
            assert "TEMP B-TREE" not in plan, plan
            assert "SCAN word" not in plan and "SCAN prediction" not in plan, plan


def test_a_statement_made_before_the_pass_counts_in_it_by_its_number(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    version, _ = taxonomies.current_taxonomy(ws)
    begun = page(ws, "class:owl").pass_id
    assert begun == 20
    labelling.annotate(ws, [NewAnnotation("a-late-uid", 2, "owl", "is", version)], annotator="ada")
    assert page(ws, "class:owl").pass_id == begun
