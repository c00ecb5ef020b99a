"""Changes of the class tree: what they make of it, what they refuse, and what becomes of the labels."""

import threading
from dataclasses import replace

import pytest
from conftest import TINY_EDGES, label
from test_labelling import assert_counts_are_true, rows, words

from hmgc_core.errors import BadEdit, TaxonomyError, TreeChanged, UnknownNode
from hmgc_core.records import NewAnnotation, RunConfig
from hmgc_core.store import annotations
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import Add, Edit, Edited, Merge, Move, Rename, Retire, Split, apply_edit
from hmgc_core.workflow import health, labelling, own_labels, taxonomies, training, tree_edits
from hmgc_core.workflow.own_labels import OwnFilter
from hmgc_core.workflow.tree_edits import TreeEdit, second_look_ids
from hmgc_core.workflow.workspaces import Workspace


def parents(taxonomy: Taxonomy) -> dict[str, str]:
    return {key: taxonomy.keys[taxonomy.parents[i]] for i, key in enumerate(taxonomy.keys) if i}


def edited(taxonomy: Taxonomy, edit: Edit, *used: str) -> Edited:
    return apply_edit(taxonomy, edit, was_used=lambda key: key in used)


def edit(ws: Workspace, change: Edit) -> TreeEdit:
    """Make a change, after a look at what it would do; both tell the same."""
    before = tree_edits.preview_edit(ws, change)
    done = tree_edits.make_edit(ws, change, seen=before.seen, by="eve")
    assert replace(done, version=0) == before
    assert_words_are_exact(ws)
    return done


def undo(ws: Workspace) -> TreeEdit:
    before = tree_edits.preview_undo(ws)
    done = tree_edits.undo_edit(ws, seen=before.seen, by="eve")
    assert replace(done, version=0) == before
    assert_words_are_exact(ws)
    return done


def assert_words_are_exact(ws: Workspace) -> None:
    """What was changed class by class is what comes out when everything is made anew."""
    kept = all_words(ws), labelling.label_counts(ws)
    assert_counts_are_true(ws)
    health.repair(ws)
    assert (all_words(ws), labelling.label_counts(ws)) == kept


def all_words(ws: Workspace) -> dict[tuple[int, str], tuple[object, ...]]:
    with ws.reading() as connection:
        said = annotations.words(connection)
    looks = set(second_look_ids(ws))
    return {(w.image_id, w.annotator): (w.kind, w.node, w.annotation_id, w.image_id in looks) for w in said}


def late(ws: Workspace, image_id: int, node: str, version: int, *, kind: str = "is", by: str = "late") -> None:
    statement = NewAnnotation(f"late-{by}-{image_id}-{node}-{kind}", image_id, node, kind, version)  # type: ignore[arg-type]
    labelling.annotate(ws, [statement], annotator=by)


# --- the tree itself --------------------------------------------------------------------------------------------------


def test_a_class_is_added_below_another(tiny_tree: Taxonomy) -> None:
    made = edited(tiny_tree, Add("bird", " Snow\tgoose ", synonyms=("Anser", " "), note="white")).taxonomy
    node = made.index("Snow goose")
    assert parents(made)["Snow goose"] == "bird"
    assert (made.name(node), made.synonyms(node), made.note(node)) == ("Snow goose", ("Anser",), "white")
    assert len(made) == len(tiny_tree) + 1


def test_a_rename_changes_what_people_read_and_never_the_key(tiny_tree: Taxonomy) -> None:
    made = edited(tiny_tree, Rename("owl", "Owls", ("Strigiformes",), "by night")).taxonomy
    assert made.keys == tiny_tree.keys
    assert made.name(made.index("owl")) == "Owls"
    again = edited(made, Rename("owl", note="")).taxonomy
    assert (again.name(again.index("owl")), again.synonyms(again.index("owl"))) == ("Owls", ("Strigiformes",))
    assert again.note(again.index("owl")) == ""


def test_a_class_moves_with_all_below_it_and_back_again(tiny_tree: Taxonomy) -> None:
    away = edited(tiny_tree, Move("albatross", "ship"))
    assert parents(away.taxonomy)["albatross"] == "ship"
    assert parents(away.taxonomy)["gull-like"] == "albatross"
    assert away.touched == {"albatross", "black-footed", "gull-like"}
    assert parents(edited(away.taxonomy, Move("albatross", "bird")).taxonomy) == parents(tiny_tree)


def test_a_merge_brings_the_classes_below_and_the_names_along(tiny_tree: Taxonomy) -> None:
    made = edited(tiny_tree, Merge("albatross", "owl"))
    assert parents(made.taxonomy)["black-footed"] == "owl"
    assert "albatross" not in made.taxonomy
    assert made.taxonomy.synonyms(made.taxonomy.index("owl")) == ("albatross",)
    assert made.moves == {"albatross": "owl"}


def test_a_class_may_be_merged_into_one_above_it(tiny_tree: Taxonomy) -> None:
    made = edited(tiny_tree, Merge("albatross", "life"))
    assert parents(made.taxonomy)["black-footed"] == "life"
    assert made.moves == {"albatross": "life"}


def test_a_retired_class_leaves_its_labels_and_its_children_to_its_parent(tiny_tree: Taxonomy) -> None:
    made = edited(tiny_tree, Retire("albatross"))
    assert made.moves == {"albatross": "bird"}
    assert parents(made.taxonomy)["gull-like"] == "bird"
    elsewhere = edited(tiny_tree, Retire("albatross", to="owl"))
    assert elsewhere.moves == {"albatross": "owl"}
    assert parents(elsewhere.taxonomy)["gull-like"] == "bird"


def test_a_split_puts_new_classes_below(tiny_tree: Taxonomy) -> None:
    made = edited(tiny_tree, Split("owl", ("barn owl", "eagle owl")))
    assert made.added == ("barn owl", "eagle owl")
    assert {parents(made.taxonomy)[key] for key in made.added} == {"owl"}
    assert made.look_again == {("owl", "is"), ("owl", "none_here")}


def test_homonyms_below_two_parents_are_two_classes(tiny_tree: Taxonomy) -> None:
    once = edited(tiny_tree, Add("owl", "juvenile"))
    twice = edited(once.taxonomy, Add("tug", "juvenile"))
    thrice = edited(twice.taxonomy, Add("gull-like", "juvenile"), "gull-like/juvenile")
    assert (*once.added, *twice.added, *thrice.added) == ("juvenile", "tug/juvenile", "gull-like/juvenile 2")
    assert {thrice.taxonomy.name(thrice.taxonomy.index(key)) for key in (*twice.added, *thrice.added)} == {"juvenile"}


def test_a_key_is_made_like_those_beside_it() -> None:
    paths = Taxonomy.from_paths([("bird", "owl"), ("ship", "tug")])
    assert edited(paths, Add("bird", "gull")).added == ("bird/gull",)
    assert edited(paths, Add("bird/owl", "barn owl")).added == ("bird/owl/barn owl",)
    assert edited(paths, Add(paths.keys[0], "plane")).added == ("plane",)


def test_names_on_screen_do_not_hang_on_the_keys_of_other_classes() -> None:
    prefixed = Taxonomy.from_edges([("coarse/Fruit", "all"), ("fine/Apple", "coarse/Fruit"), ("x", "all")])
    assert prefixed.name(prefixed.index("fine/Apple")) == "fine/Apple"
    without = edited(prefixed, Retire("x")).taxonomy
    assert without.name(without.index("fine/Apple")) == "fine/Apple"
    shown = Taxonomy.from_edges([("coarse/Fruit", "all"), ("fine/Apple", "coarse/Fruit")])
    added = edited(shown, Add("all", "Meat", key="Meat")).taxonomy
    assert added.name(added.index("fine/Apple")) == "Apple"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Move("bird", "owl"), "cannot move below 'owl', which lies below it"),
        (Move("bird", "bird"), "cannot move below itself"),
        (Move("owl", "bird"), "changes nothing"),
        (Merge("bird", "owl"), "would claim more than people said"),
        (Merge("owl", "owl"), "cannot be merged into itself"),
        (Retire("bird", to="owl"), "would claim more than people said"),
        (Retire("bird", to="bird"), "cannot be replaced by itself"),
        (Retire("life"), "is the root"),
        (Move("life", "owl"), "is the root"),
        (Merge("life", "owl"), "is the root"),
        (Add("bird", "x", key="owl"), "there is a class with the key 'owl' already"),
        (Add("bird", "x", key="dodo"), "belonged to a class of an earlier version"),
        (Add("bird", "  "), "needs a name"),
        (Add("bird", "n" * 300), "a name of 300 letters"),
        (Add("bird", "x", key="k" * 300), "a key of 300 letters"),
        (Add("bird", "x", key="a\tb"), "one line without tabs"),
        (Add("bird", "x", key="a\nb"), "one line without tabs"),
        (Add("bird", "x", key=" a"), "one line without tabs"),
        (Add("bird", "x\x00y"), "cannot be shown"),
        (Add("bird", "\u202eevil"), "cannot be shown"),
        (Add("bird", "x", note="n" * 3000), "note is too long"),
        (Add("bird", "x", synonyms=("a|b",)), "the sign |"),
        (Add("bird", "OWL"), "twice"),
        (Rename("owl", ""), "needs a name"),
        (Rename("owl", "n" * 300), "a name of 300 letters"),
        (Rename("owl", "owl"), "changes nothing"),
        (Split("owl", ("barn owl",)), "into two classes or more"),
        (Split("owl", ()), "into two classes or more"),
        (Split("owl", ("barn owl", "Barn Owl")), "twice"),
        (Split("owl", ("barn owl", "")), "needs a name"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_with_a_remedy(tiny_tree: Taxonomy, change: Edit, words: str) -> None:
    with pytest.raises(BadEdit, match=words) as caught:
        edited(tiny_tree, change, "dodo")
    assert caught.value.remedy


@pytest.mark.parametrize(
    "change", [Add("x", "y"), Rename("x", "y"), Move("owl", "x"), Merge("x", "owl"), Split("x", ())]
)
def test_an_edit_of_a_class_that_is_not_there_is_refused(tiny_tree: Taxonomy, change: Edit) -> None:
    with pytest.raises(UnknownNode):
        edited(tiny_tree, change)


def test_the_last_class_cannot_be_retired() -> None:
    with pytest.raises(BadEdit, match="no class but the root"):
        edited(Taxonomy.from_edges([("owl", "life")]), Retire("owl"))


# --- the labels -------------------------------------------------------------------------------------------------------


def test_a_merge_leads_labels_on_and_the_undo_gives_each_its_own_class_back(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    label(workspace, 2, "gull-like", by="ben")
    done = edit(workspace, Merge("owl", "gull-like"))
    assert (done.version, done.labels, done.people, done.led) == (2, 1, 1, (("owl", "gull-like", 1),))
    assert words(workspace) == {(1, "ada"): ("is", "gull-like"), (2, "ben"): ("is", "gull-like")}
    label(workspace, 3, "gull-like")
    late(workspace, 4, "owl", 1)

    undone = undo(workspace)
    assert (undone.version, undone.labels, undone.is_undo) == (3, 2, True)
    assert words(workspace) == {
        (1, "ada"): ("is", "owl"),  # said as an owl, and an owl again
        (2, "ben"): ("is", "gull-like"),
        (3, "ada"): ("is", "gull-like"),  # said when there was no owl to say
        (4, "late"): ("is", "owl"),
    }
    assert taxonomies.current_taxonomy(workspace)[1] == Taxonomy.from_edges(TINY_EDGES)
    assert [said.node for said in labelling.image_history(workspace, 1)] == ["owl"]


def test_labels_at_a_class_that_the_undo_takes_away_go_to_the_class_above(workspace: Workspace) -> None:
    edit(workspace, Split("owl", ("barn owl", "eagle owl")))
    label(workspace, 1, "barn owl")
    undo(workspace)
    assert words(workspace) == {(1, "ada"): ("is", "owl")}


def test_undo_goes_back_step_by_step_and_ends_at_the_first_tree(workspace: Workspace) -> None:
    label(workspace, 1, "gull-like")
    edit(workspace, Retire("gull-like"))
    edit(workspace, Retire("albatross"))
    assert words(workspace)[1, "ada"] == ("is", "bird")
    undo(workspace)
    assert words(workspace)[1, "ada"] == ("is", "albatross")
    undo(workspace)
    assert words(workspace)[1, "ada"] == ("is", "gull-like")
    with pytest.raises(BadEdit, match="no change of the class tree to take back"):
        tree_edits.preview_undo(workspace)
    assert tree_edits.last_change(workspace) is None


def test_a_change_after_an_undo_is_the_next_to_be_undone(workspace: Workspace) -> None:
    edit(workspace, Retire("owl"))
    undo(workspace)
    edit(workspace, Rename("owl", "Owls"))
    last = tree_edits.last_change(workspace)
    assert last is not None
    assert (last.version, last.edit["verb"], last.author) == (4, "rename", "eve")
    undo(workspace)
    assert taxonomies.current_taxonomy(workspace)[1] == Taxonomy.from_edges(TINY_EDGES)


def test_a_move_and_a_move_back_leave_every_word_as_it_was(workspace: Workspace) -> None:
    label(workspace, 1, "albatross")
    label(workspace, 2, "ship", kind="is_not")
    label(workspace, 3, "bird", kind="none_here")
    before = words(workspace)
    edit(workspace, Move("albatross", "ship"))
    assert words(workspace) == before
    label(workspace, 4, "gull-like")
    edit(workspace, Move("albatross", "bird"))
    assert words(workspace) == {**before, (4, "ada"): ("is", "gull-like")}
    assert parents(taxonomies.current_taxonomy(workspace)[1]) == dict(TINY_EDGES)


def test_not_this_is_never_said_of_more_than_people_meant(workspace: Workspace) -> None:
    label(workspace, 1, "bird")
    label(workspace, 1, "owl", kind="is_not")  # the last word: sure of the bird, sure that it is no owl
    label(workspace, 2, "gull-like", kind="is_not")
    label(workspace, 3, "bird", kind="is_not")
    done = edit(workspace, Merge("owl", "gull-like"))
    # "No owl" says nothing of owls and gulls; "no gull" was said of gulls alone; "no bird" holds as before.
    assert done.silenced == 2
    assert words(workspace) == {(1, "ada"): ("is", "bird"), (3, "ada"): ("is_not", "bird")}
    assert labelling.label_counts(workspace).labelled == 2
    undo(workspace)
    assert words(workspace) == {
        (1, "ada"): ("is_not", "owl"),
        (2, "ada"): ("is_not", "gull-like"),
        (3, "ada"): ("is_not", "bird"),
    }


def test_a_retired_class_is_not_taken_for_a_no_to_its_parent(workspace: Workspace) -> None:
    label(workspace, 1, "gull-like", kind="is_not")
    edit(workspace, Retire("gull-like"))
    assert words(workspace) == {}
    late(workspace, 2, "gull-like", 1, kind="is_not")
    assert words(workspace) == {}
    assert rows(workspace) == 2
    undo(workspace)
    assert words(workspace) == {(1, "ada"): ("is_not", "gull-like"), (2, "late"): ("is_not", "gull-like")}


def test_none_below_was_said_without_a_class_added_since(workspace: Workspace) -> None:
    label(workspace, 1, "bird", kind="none_here")
    label(workspace, 2, "bird")
    done = edit(workspace, Add("bird", "gull"))
    assert (done.loosened, done.second_looks, done.added) == (1, 1, ("gull",))
    assert words(workspace)[1, "ada"] == ("is", "bird")
    assert second_look_ids(workspace) == [1]
    undo(workspace)
    assert words(workspace)[1, "ada"] == ("none_here", "bird")
    assert second_look_ids(workspace) == []


def test_what_a_run_learns_follows_the_same_reading(workspace: Workspace) -> None:
    label(workspace, 1, "owl", kind="is_not")
    label(workspace, 1, "bird")
    label(workspace, 2, "gull-like")
    run_then = training.queue_run(workspace, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))
    edit(workspace, Merge("owl", "gull-like"))
    run_now = training.queue_run(workspace, RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1))

    def learned(run_id: int) -> list[tuple[str, int]]:
        labels = training.run_labels(workspace, training.run(workspace, run_id))
        return [(labels.taxonomy.keys[sample.node], sample.kind) for sample in labels.train]

    assert learned(run_then) == [("bird", 0), ("owl", 1), ("gull-like", 0)]  # a queued run keeps its own version
    assert learned(run_now) == [("bird", 0), ("gull-like", 0)]


# --- the second look --------------------------------------------------------------------------------------------------


def test_a_split_asks_for_a_second_look_at_what_is_labelled_exactly_there(workspace: Workspace) -> None:
    label(workspace, 1, "albatross")
    label(workspace, 2, "gull-like")
    label(workspace, 3, "bird")
    label(workspace, 4, "albatross", by="ben")
    late_version = taxonomies.current_taxonomy(workspace)[0]
    done = edit(workspace, Split("albatross", ("wandering", "royal")))
    assert done.second_looks == 2
    late(workspace, 5, "albatross", late_version, by="ada")
    assert set(second_look_ids(workspace)) == {1, 4, 5}
    assert set(second_look_ids(workspace, node="albatross")) == {1, 4, 5}
    assert second_look_ids(workspace, node="owl") == []
    assert set(second_look_ids(workspace, annotator="ada")) == {1, 5}
    label(workspace, 1, "wandering")
    label(workspace, 4, "albatross", by="ada", uid="another one looks")  # says nothing about ben's own second look
    label(workspace, 5, "albatross", uid="still no finer")
    assert second_look_ids(workspace) == [4]
    assert second_look_ids(workspace, annotator="ada") == []
    undo(workspace)
    assert second_look_ids(workspace) == []


def test_anybody_may_look_again_at_what_came_with_an_import(workspace: Workspace) -> None:
    label(workspace, 1, "owl", by="import")
    label(workspace, 2, "owl", by="import")
    label(workspace, 2, "bird", by="ben")  # before the split: no second look
    edit(workspace, Split("owl", ("barn owl", "eagle owl")))
    assert set(second_look_ids(workspace, annotator="ada")) == {1, 2}
    label(workspace, 1, "barn owl", by="ben")
    assert second_look_ids(workspace, annotator="ada") == [2]
    assert second_look_ids(workspace) == [2]


def test_a_withdrawn_second_look_is_due_again(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    edit(workspace, Split("owl", ("barn owl", "eagle owl")))
    uid = label(workspace, 1, "barn owl")
    assert second_look_ids(workspace) == []
    labelling.withdraw(workspace, uid, annotator="ada")
    assert second_look_ids(workspace) == [1]


# --- while others work ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "lands"),
    [
        (Rename("owl", "Owls"), "owl"),
        (Move("owl", "albatross"), "owl"),
        (Merge("owl", "albatross"), "albatross"),
        (Retire("owl"), "bird"),
        (Retire("owl", to="gull-like"), "gull-like"),
        (Split("owl", ("barn owl", "eagle owl")), "owl"),
    ],
)
def test_a_label_from_a_page_with_the_old_tree_is_kept_once_and_lands_where_it_should(
    workspace: Workspace, change: Edit, lands: str
) -> None:
    edit(workspace, change)
    for _ in range(2):  # sent again, as an outbox does when it heard no answer
        late(workspace, 1, "owl", 1)
    assert rows(workspace) == 1
    assert words(workspace) == {(1, "late"): ("is", lands)}
    assert labelling.image_history(workspace, 1)[0].node == "owl"
    assert_words_are_exact(workspace)


def test_the_second_of_two_people_editing_at_once_is_told(workspace: Workspace) -> None:
    mine = tree_edits.preview_edit(workspace, Retire("owl"))
    edit(workspace, Rename("owl", "Owls"))
    with pytest.raises(TreeChanged, match="has changed since you looked"):
        tree_edits.make_edit(workspace, Retire("owl"), seen=mine.seen)
    with pytest.raises(TreeChanged):
        tree_edits.undo_edit(workspace, seen=mine.seen)
    assert taxonomies.current_taxonomy(workspace)[0] == 2


def test_of_ten_edits_at_the_same_moment_one_is_made_and_nine_are_told(workspace: Workspace) -> None:
    outcomes: list[str] = []

    def change(number: int) -> None:
        try:
            tree_edits.make_edit(workspace, Add("bird", f"new {number}"), seen=1)
            outcomes.append("made")
        except TreeChanged:
            outcomes.append("told")

    run_together([lambda number=number: change(number) for number in range(10)])
    assert sorted(outcomes) == ["made"] + ["told"] * 9
    assert taxonomies.current_taxonomy(workspace)[0] == 2


def test_twenty_people_label_while_the_tree_is_edited_and_nothing_is_lost_or_doubled(workspace: Workspace) -> None:
    failures: list[BaseException] = []

    def annotate(person: int) -> None:
        """A page that keeps the tree it was opened with, and sends each label twice."""
        try:
            for image_id in range(1, 25):
                for _ in range(2):
                    late(workspace, image_id, ("owl", "gull-like", "tug")[image_id % 3], 1, by=f"person {person}")
        except BaseException as error:
            failures.append(error)

    def change() -> None:
        try:
            for step in (Merge("owl", "gull-like"), Move("steamer", "bird"), Retire("tug"), Rename("ship", "Ships")):
                tree_edits.make_edit(workspace, step, seen=taxonomies.current_taxonomy(workspace)[0])
            tree_edits.undo_edit(workspace, seen=taxonomies.current_taxonomy(workspace)[0])
        except BaseException as error:
            failures.append(error)

    run_together([change, *(lambda person=person: annotate(person) for person in range(20))])
    assert failures == []
    assert rows(workspace) == 20 * 24
    landed = {("owl", "gull-like", "tug")[image % 3]: node for (image, _), (_, node) in words(workspace).items()}
    assert landed == {"owl": "gull-like", "gull-like": "gull-like", "tug": "steamer"}
    assert_words_are_exact(workspace)


def run_together(works: list) -> None:  # type: ignore[type-arg]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- versions ---------------------------------------------------------------------------------------------------------


def test_a_version_keeps_who_changed_what(workspace: Workspace) -> None:
    edit(workspace, Retire("owl"))
    last = tree_edits.last_change(workspace)
    assert last is not None
    assert last.edit == {
        "verb": "retire", "key": "owl", "to": "bird", "names": {"owl": "owl", "bird": "bird"},
    }  # fmt: skip


def test_an_import_can_be_taken_back_as_an_edit_can(labelled_workspace: Workspace) -> None:
    before = words(labelled_workspace)
    smaller = Taxonomy.from_edges([("bird", "life"), ("ship", "life")])
    taxonomies.store_taxonomy(labelled_workspace, smaller, source="smaller.csv", to_ancestor=True)
    assert words(labelled_workspace) != before
    last = tree_edits.last_change(labelled_workspace)
    assert last is not None
    assert (last.edit, last.source) == ({}, "smaller.csv")
    undo(labelled_workspace)
    assert words(labelled_workspace) == before


def test_a_file_of_an_earlier_tree_can_be_imported_again(workspace: Workspace, tiny_tree: Taxonomy) -> None:
    label(workspace, 1, "owl")
    edit(workspace, Rename("owl", "Owls"))
    assert taxonomies.store_taxonomy(workspace, tiny_tree, source="tiny.csv").version == 3
    assert words(workspace) == {(1, "ada"): ("is", "owl")}


def test_an_import_under_other_keys_keeps_every_kind_of_label(workspace: Workspace) -> None:
    label(workspace, 1, "owl", kind="is_not")
    label(workspace, 2, "albatross", kind="none_here")
    renamed = Taxonomy.from_edges([(c.replace("owl", "strix").replace("albatross", "diomedea"),
                                    p.replace("albatross", "diomedea")) for c, p in TINY_EDGES])  # fmt: skip
    taxonomies.store_taxonomy(workspace, renamed, source="new keys", moves={"owl": "strix", "albatross": "diomedea"})
    assert words(workspace) == {(1, "ada"): ("is_not", "strix"), (2, "ada"): ("none_here", "diomedea")}
    assert_words_are_exact(workspace)


def test_a_run_still_fits_a_tree_in_which_only_names_changed(predicted_workspace: Workspace) -> None:
    assert tree_edits.preview_edit(predicted_workspace, Rename("owl", "Owls")).runs == ()
    edit(predicted_workspace, Rename("owl", "Owls"))
    assert 1 in tree_edits.versions_of_this_shape(predicted_workspace)
    plan = edit(predicted_workspace, Merge("owl", "gull-like"))
    assert plan.runs == (1,)
    assert plan.predicted > 0
    assert 1 not in tree_edits.versions_of_this_shape(predicted_workspace)
    undo(predicted_workspace)
    assert tree_edits.versions_of_this_shape(predicted_workspace) == {1, 2, 4}


def test_an_edit_before_there_is_a_tree_is_refused(empty_workspace: Workspace) -> None:
    with pytest.raises(TaxonomyError, match="no class tree yet"):
        tree_edits.preview_edit(empty_workspace, Add("bird", "owl"))


def test_many_versions_do_not_fill_the_memory(workspace: Workspace) -> None:
    for number in range(taxonomies.MOST_AT_HAND + 5):
        edit(workspace, Rename("owl", f"Owl {number}"))
    assert len(workspace.taxonomies) <= taxonomies.MOST_AT_HAND
    first = Taxonomy.from_edges(TINY_EDGES)
    assert taxonomies.taxonomy_with_hash(workspace, first.content_hash) == first
    assert taxonomies.taxonomy_with_hash(workspace, "0" * 64) is None
    old = taxonomies.taxonomy_version(workspace, 1)
    assert taxonomies.taxonomy_version(workspace, 1) is old  # however old: an open page sends label after label in it


def test_a_statement_that_says_nothing_any_more_is_no_wrong_word(workspace: Workspace) -> None:
    label(workspace, 1, "owl", kind="is_not")
    edit(workspace, Merge("owl", "gull-like"))
    with workspace.reading() as connection:
        assert annotations.wrong_words(connection) == 0


def test_ones_own_labels_are_of_the_kind_that_they_read_as(workspace: Workspace) -> None:
    label(workspace, 1, "bird", kind="none_here")
    edit(workspace, Add("bird", "Heron"))
    page = own_labels.page(workspace, OwnFilter(), annotator="ada")
    assert [said.kind for said in page] == ["is"]
    assert own_labels.page(workspace, OwnFilter(kind="none_here"), annotator="ada") == []


def test_names_of_every_script_are_kept(tiny_tree: Taxonomy) -> None:
    for name in ("می‌خواهم", "👩‍🔬", "Ærfugl", "البطريق", "<b>x</b>"):
        made = edited(tiny_tree, Add("bird", name))
        assert made.taxonomy.name(made.taxonomy.index(made.added[0])) == name
