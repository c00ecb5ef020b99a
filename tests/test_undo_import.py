"""Taking an import back: its pictures and labels go, what people said stays, and nothing is mistaken for another."""

import random
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY_LEAVES, label, write_picture, write_table

from hmgc_core.errors import BadRequest
from hmgc_core.records import QueueChoice, QueueRules, RunConfig
from hmgc_core.store import annotations, checks, images, jobs
from hmgc_core.store.schema import annotation, image, word
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import import_history, import_plan, imports, labelling, pictures, queues, taxonomies, training
from hmgc_core.workflow.import_history import UndoReport, history, undo_import
from hmgc_core.workflow.imports import import_images
from hmgc_core.workflow.turns import Turns
from hmgc_core.workflow.workspaces import Workspace


@pytest.fixture
def ws(empty_workspace: Workspace, tiny_tree: Taxonomy) -> Workspace:
    taxonomies.store_taxonomy(empty_workspace, tiny_tree, source="tiny")
    return empty_workspace


def table_of(folder: Path, labels: dict[int, str], *, name: str = "t.csv", annotator: str = "") -> Path:
    """A table of pictures by number, and the pictures."""
    rows = []
    for number, said in labels.items():
        if not (folder / f"{number}.png").exists():
            write_picture(folder / f"{number}.png", number, side=16)
        rows.append({"path": f"{number}.png", "label": said, "annotator": annotator})
    return write_table(folder / name, rows)


def sound(ws: Workspace) -> None:
    """The counts agree with the rows, and making them anew changes nothing."""
    with ws.reading() as connection:
        assert checks.wrong_counts(connection) == []
        assert checks.damage(connection) == []
    before = standing(ws), counted(ws)
    with ws.writing() as connection:
        annotations.rebuild(connection)
    assert (standing(ws), counted(ws)) == before


def counted(ws: Workspace) -> tuple[object, ...]:
    counts = labelling.label_counts(ws)
    splits = {split: count for split, count in counts.by_split.items() if count != (0, 0)}
    return counts.images, counts.labelled, splits, counts.by_kind, counts.by_level


def standing(ws: Workspace) -> set[tuple[int, str, str]]:
    with ws.reading() as connection:
        return {(said.image_id, said.annotator, said.node) for said in annotations.words(connection)}


def there(ws: Workspace) -> set[int]:
    with ws.reading() as connection:
        return {record.id for record in images.all_images(connection)}


def test_the_last_import_is_taken_back_with_its_pictures_and_labels(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path / "one", {1: "owl", 2: "bird"}))
    import_images(ws, table_of(tmp_path / "two", {3: "tug", 4: ""}))
    would = undo_import(ws, dry_run=True)
    assert would == UndoReport(2, str(tmp_path / "two" / "t.csv"), images=2, annotations=1, kept=0, people=())
    assert there(ws) == {1, 2, 3, 4}
    assert undo_import(ws) == would
    assert there(ws) == {1, 2}
    assert standing(ws) == {(1, "import", "owl"), (2, "import", "bird")}
    assert (tmp_path / "two" / "3.png").exists()
    sound(ws)
    undo_import(ws)
    assert (there(ws), standing(ws)) == (set(), set())
    with pytest.raises(BadRequest, match="no import to take back"):
        undo_import(ws)
    sound(ws)


def test_pictures_that_people_labelled_since_stay_with_their_labels(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path, {1: "owl", 2: "owl", 3: "owl"}))
    label(ws, 2, "gull-like", by="ada")
    label(ws, 3, "bird", by="ben")
    label(ws, 3, "owl", by="ada")
    done = undo_import(ws)
    assert (done.images, done.annotations, done.kept, done.people) == (1, 3, 2, ("ada", "ben"))
    assert standing(ws) == {(2, "ada", "gull-like"), (3, "ben", "bird"), (3, "ada", "owl")}
    assert there(ws) == {2, 3}
    assert history(ws)[0].kept == 2
    sound(ws)


def test_labels_on_pictures_known_before_are_taken_back_and_earlier_words_come_again(
    ws: Workspace, tmp_path: Path
) -> None:
    import_images(ws, table_of(tmp_path, {1: "", 2: ""}))
    label(ws, 1, "bird", by="ada")
    import_images(ws, table_of(tmp_path, {1: "owl", 2: "tug"}, name="more.csv"))
    assert standing(ws) == {(1, "ada", "bird"), (1, "import", "owl"), (2, "import", "tug")}
    done = undo_import(ws)
    assert (done.images, done.annotations) == (0, 2)
    assert standing(ws) == {(1, "ada", "bird")}
    assert there(ws) == {1, 2}
    sound(ws)


def test_a_label_that_comes_late_brings_its_picture_back(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path, {1: "owl", 2: ""}))
    undo_import(ws)
    assert there(ws) == set()
    label(ws, 2, "bird", by="ada")  # from a page that was open all the time
    assert there(ws) == {2}
    assert standing(ws) == {(2, "ada", "bird")}
    assert pictures.image(ws, 2).path == tmp_path / "2.png"
    assert labelling.label_counts(ws).labelled == 1
    sound(ws)


def test_numbers_of_pictures_are_never_used_twice(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path / "one", {1: "", 2: ""}))
    undo_import(ws)
    import_images(ws, table_of(tmp_path / "two", {3: ""}))
    assert there(ws) == {3}
    label(ws, 1, "owl", by="ada")
    assert pictures.image(ws, 1).path == tmp_path / "one" / "1.png"


def test_what_was_taken_back_can_be_imported_again(ws: Workspace, tmp_path: Path) -> None:
    table = table_of(tmp_path, {1: "owl", 2: "bird", 3: ""})
    first = import_images(ws, table)
    undo_import(ws)
    again = import_images(ws, table)
    assert (again.images, again.annotations, again.known) == (first.images, first.annotations, 0)
    assert standing(ws) == {(1, "import", "owl"), (2, "import", "bird")}
    undo_import(ws)
    assert there(ws) == set()
    import_images(ws, table)
    assert standing(ws) == {(1, "import", "owl"), (2, "import", "bird")}
    sound(ws)


def test_a_label_that_its_annotator_took_back_is_not_brought_again(ws: Workspace, tmp_path: Path) -> None:
    table = table_of(tmp_path, {1: "owl"}, annotator="ada")
    import_images(ws, table)
    with ws.reading() as connection:
        uid = connection.execute(annotation.select()).one().uid
    labelling.withdraw(ws, uid, annotator="ada")
    again = import_images(ws, table)
    assert again.annotations == 0
    assert "ada took the label 'owl' back" in again.skipped[0].reason
    assert standing(ws) == set()


def test_copies_go_from_the_disk_and_those_still_needed_stay(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path, {1: "", 2: ""}), copy=True)
    import_images(ws, table_of(tmp_path, {2: "", 3: "", 4: ""}, name="more.csv"), copy=True)
    label(ws, 4, "owl")
    undo_import(ws)
    left = {path.stem for path in ws.copies.rglob("*.png")}
    assert left == {pictures.image(ws, number).sha256 for number in (1, 2, 4)}
    assert there(ws) == {1, 2, 4}


def test_a_file_that_got_another_content_has_its_former_picture_again(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path, {1: "", 2: ""}))
    label(ws, 1, "owl", by="ada")
    former = pictures.find_image(ws, str(tmp_path / "1.png"))
    for number in (1, 2):
        write_picture(tmp_path / f"{number}.png", 10 + number, side=16)
    import_images(ws, tmp_path / "t.csv")
    assert pictures.find_image(ws, str(tmp_path / "1.png")).id == 3
    undo_import(ws)
    assert pictures.find_image(ws, str(tmp_path / "1.png")) == former
    assert there(ws) == {1, 2}
    assert standing(ws) == {(1, "ada", "owl")}
    sound(ws)


def test_an_import_is_not_taken_back_while_a_training_learns_from_it(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path, dict.fromkeys(range(1, 20), "owl")))
    training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini"))
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
    with pytest.raises(BadRequest, match="run 1 is learning") as caught:
        undo_import(ws)
    assert "stop it" in caught.value.remedy
    assert undo_import(ws, dry_run=True).images == 19


def test_predictions_of_pictures_that_went_are_not_shown(predicted_workspace: Workspace, tmp_path: Path) -> None:
    from hmgc_core.workflow import seeing

    ws = predicted_workspace
    stamp = seeing.pictures_stamp(ws)
    done = undo_import(ws)
    assert (done.images, done.kept) == (4, 20)
    assert len(seeing.prediction_table(ws, 1).image_ids) == 20
    assert seeing.pictures_stamp(ws) != stamp
    sound(ws)


def test_a_running_import_that_is_taken_back_stops(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_plan, "CHUNK", 2)
    plan = import_plan.plan_import(ws, table_of(tmp_path, dict.fromkeys(range(1, 9), "owl")))

    def take_it_back(done: int, total: int) -> None:
        if done == 4:
            undo_import(ws)

    with pytest.raises(BadRequest, match="taken back while it ran"):
        imports.carry_out(ws, plan, on_progress=take_it_back)
    assert (there(ws), standing(ws)) == (set(), set())
    sound(ws)


def test_a_picture_that_is_labelled_while_its_import_is_taken_back_stays(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_history, "CHUNK", 2)
    import_images(ws, table_of(tmp_path, dict.fromkeys(range(1, 7), "owl")))

    def somebody_labels(done: int, total: int) -> None:
        if done == 8:  # six labels, two pictures
            label(ws, 6, "bird", by="ada")

    done = undo_import(ws, on_progress=somebody_labels)
    assert (done.images, done.kept) == (5, 1)
    assert (there(ws), standing(ws)) == ({6}, {(6, "ada", "bird")})
    sound(ws)


def test_an_undo_that_was_cut_off_goes_on_and_leaves_no_copy(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_history, "CHUNK", 2)
    import_images(ws, table_of(tmp_path, dict.fromkeys(range(1, 7), "owl")), copy=True)

    def cut_off(done: int, total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        undo_import(ws, on_progress=cut_off)
    assert there(ws) == {3, 4, 5, 6}
    undo_import(ws)
    assert there(ws) == set()
    assert [path for path in ws.copies.rglob("*") if path.is_file()] == []
    sound(ws)


def test_those_who_label_have_the_database_between_two_steps_of_long_work(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    turns = Turns(ws)
    monkeypatch.setattr("hmgc_core.workflow.turns.time.sleep", paused.append)
    for _ in range(2):
        with turns.writing():
            threading.Event().wait(0.2)
    assert paused[0] == 0
    assert paused[1] > 0.1


def test_a_running_import_that_is_taken_back_leaves_no_copy(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_plan, "CHUNK", 2)
    plan = import_plan.plan_import(ws, table_of(tmp_path, dict.fromkeys(range(1, 9), "owl")), copy=True)
    with pytest.raises(BadRequest, match="taken back while it ran"):
        imports.carry_out(ws, plan, on_progress=lambda done, _: undo_import(ws) if done == 4 else None)
    assert [path for path in ws.copies.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("zipped", [False, True])
def test_copies_that_another_import_comes_to_need_while_they_go_are_there_again(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    import_images(ws, table_of(tmp_path / "one", {1: "", 2: ""}), copy=True)
    source = tmp_path / "two"
    shutil.copytree(tmp_path / "one", source)
    if zipped:
        source = Path(shutil.make_archive(str(source), "zip", source))
    copy = imports._copy

    def copy_and_meanwhile_undo(*args: Any, **kwargs: Any) -> None:
        copy(*args, **kwargs)
        monkeypatch.setattr(imports, "_copy", copy)
        imports.take_back(ws, 1)

    monkeypatch.setattr(imports, "_copy", copy_and_meanwhile_undo)
    assert import_images(ws, source, copy=True).images == 2
    assert all(pictures.image(ws, image_id).path.exists() for image_id in (1, 2))
    assert len([path for path in ws.copies.rglob("*") if path.is_file()]) == 2


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_and_goes_no_word_of_a_person_is_lost(ws: Workspace, tmp_path: Path, seed: int) -> None:
    """Random imports, labels, late labels and undos against a slow and obvious account of them."""
    dice = random.Random(seed)
    pool = tmp_path / "pool"
    for number in range(12):
        write_picture(pool / f"{number}.png", number, side=16)
    made: list[tuple[set[int], bool]] = []  # pictures of each import, and whether it stands
    people: dict[tuple[int, str], str] = {}  # what people said last
    numbers: dict[int, int] = {}  # picture -> number in the workspace
    for step in range(20):
        what = dice.choice(["import", "import", "label", "label", "undo", "late"])
        if what == "import":
            chosen = dice.sample(range(12), dice.randint(1, 5))
            folder = tmp_path / f"import{step}" if dice.random() < 0.5 else tmp_path / "same"
            for number in chosen:
                (folder).mkdir(exist_ok=True)
                shutil.copy(pool / f"{number}.png", folder / f"{number}.png")
            labels = {number: dice.choice(["", *TINY_LEAVES]) for number in chosen}
            import_images(ws, table_of(folder, labels, name=f"t{step}.csv"), copy=dice.random() < 0.3)
            made.append((set(chosen), True))
            numbers |= {n: pictures.find_image(ws, _sha(ws, pool / f"{n}.png")).id for n in chosen if n not in numbers}
        elif what == "undo" and any(stands for _, stands in made):
            undo_import(ws)
            last = max(place for place, (_, stands) in enumerate(made) if stands)
            made[last] = (made[last][0], False)
        elif what in ("label", "late") and numbers:
            number, by, said = dice.choice(list(numbers)), dice.choice(["ada", "ben"]), dice.choice(TINY_LEAVES)
            label(ws, numbers[number], said, by=by, uid=f"step-{seed}-{step:04}")
            people[numbers[number], by] = said
        spoken = {image_id for image_id, _ in people}
        expected = {numbers[n] for chosen, stands in made if stands for n in chosen} | spoken
        assert there(ws) == expected
        assert {said for said in standing(ws) if said[1] != "import"} == {(i, by, s) for (i, by), s in people.items()}
        sound(ws)
    while any(stands for _, stands in made):
        undo_import(ws)
        made[max(place for place, (_, stands) in enumerate(made) if stands)] = (set(), False)
    assert there(ws) == {image_id for image_id, _ in people}
    assert standing(ws) == {(i, by, s) for (i, by), s in people.items()}


def _sha(ws: Workspace, file: Path) -> str:
    """Some place of this content in the workspace."""
    from hmgc_core.pictures import probe_picture

    with ws.reading() as connection:
        row = connection.execute(image.select().where(image.c.sha256 == probe_picture(file).sha256)).one()
    return str(row.id)


def test_history_of_labels_is_only_added_to(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path, {1: "owl", 2: "tug"}))
    with ws.reading() as connection:
        before = connection.execute(annotation.select().order_by(annotation.c.id)).all()
    undo_import(ws)
    with ws.reading() as connection:
        after = connection.execute(annotation.select().order_by(annotation.c.id)).all()
        assert connection.execute(word.select()).all() == []
    assert after[: len(before)] == before
    assert [row.kind for row in after[len(before) :]] == ["withdrawal"] * 2


# --- pictures that lie nowhere any more -------------------------------------------------------------------------------


def test_a_labelled_picture_whose_file_got_another_content_is_offered_to_nobody(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path, {1: "", 2: ""}))
    uid = label(ws, 1, "owl", by="ada")
    write_picture(tmp_path / "1.png", 77, side=16)
    import_images(ws, table_of(tmp_path, {1: ""}, name="again.csv"))
    queues.set_rules(ws, QueueRules(people=2))
    offered = queues.next_pictures(ws, QueueChoice(), annotator="ben").items
    assert 1 not in {item.image.id for item in offered} and len(offered) == 2
    label(ws, 1, "tug", by="ben")  # from a page that still shows it: kept
    assert {(1, "ada", "owl"), (1, "ben", "tug")} <= standing(ws)
    sound(ws)
    queues.set_rules(ws, QueueRules())
    labelling.withdraw(ws, uid, annotator="ada")
    assert 1 not in {item.image.id for item in queues.next_pictures(ws, QueueChoice(), annotator="ben").items}
    sound(ws)


def test_a_picture_that_lies_nowhere_is_gone_with_its_last_label(ws: Workspace, tmp_path: Path) -> None:
    import_images(ws, table_of(tmp_path, {1: "", 2: ""}))
    uid = label(ws, 1, "owl", by="ada")
    write_picture(tmp_path / "1.png", 77, side=16)
    import_images(ws, table_of(tmp_path, {1: ""}, name="again.csv"))
    assert labelling.image_counts(ws)[:2] == (3, 1)
    labelling.withdraw(ws, uid, annotator="ada")
    assert labelling.image_counts(ws)[:2] == (2, 0)
    sound(ws)
    label(ws, 1, "owl", by="ada", uid="once more")
    assert labelling.image_counts(ws)[:2] == (3, 1)
    sound(ws)
