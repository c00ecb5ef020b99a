"""Around an answer: which classes are shown, that their probabilities are the model's own, and what cannot be said."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import label
from random_trees import random_probs, random_tree
from reading_pages import open_page, said
from test_patches import untrained

from hmgc_core import inspection
from hmgc_core.errors import UnknownInspection
from hmgc_core.learning.inference import predict, probabilities
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.store import inspections
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import questions, relations, taxonomies
from hmgc_core.workflow.relations import Relations, Shown, chosen
from hmgc_core.workflow.workspaces import Workspace


def answered(ws: Workspace, image_id: int, shares: np.ndarray) -> int:
    """A question about a picture that is answered with these probabilities."""
    number = relations.ask_answer(ws, 1, image_id)
    ws.inspection_folder(number).mkdir(parents=True, exist_ok=True)
    np.save(ws.inspection_folder(number) / relations.FILE, shares.astype(np.float32))
    with ws.writing() as connection:
        inspections.finish(connection, number)
    return number


def tiny_shares(tree: Taxonomy) -> np.ndarray:
    """black-footed .5, gull-like .2, owl .1, tug .2, and what follows above them."""
    mass = np.zeros(len(tree))
    for key, share in {"black-footed": 0.5, "gull-like": 0.2, "owl": 0.1, "tug": 0.2}.items():
        mass[tree.index(key)] = share
    return tree.sum_up(mass)


def named(found: Relations) -> dict[str, Shown]:
    return {one.key: one for one in found.shown if one.key}


# --- which classes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_the_ways_are_always_shown_the_likeliest_beside_them_and_nothing_is_lost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, int(rng.integers(2, 400)))
    shares = random_probs(rng, tree, 1)[0]
    middle, answer, label_node = (int(rng.integers(low, len(tree))) for low in (1, 1, -1))
    picked = chosen(tree, shares, middle, [answer, label_node])
    shown = {0, *(child for children in picked.values() for child in children)}

    needed = {node for end in (middle, answer, label_node) if end > 0 for node in tree.path(end)}
    assert needed <= shown
    way = [0, *tree.path(middle)]
    assert {parent for parent in way if len(tree.children(parent))} <= picked.keys()
    longest = 2 * len(way) + len(needed)
    assert len(shown) <= max(relations.MOST, 1 + longest)
    for parent, children in picked.items():
        assert all(tree.parents[child] == parent for child in children)
        assert [shares[child] for child in children] == sorted((shares[child] for child in children), reverse=True)
        hidden = [child for child in tree.children(parent) if child not in children]
        free = [child for child in children if child not in needed]
        if parent in way and free and hidden:
            assert min(shares[free]) >= max(shares[hidden])


def test_of_many_classes_the_rest_is_counted_with_all_its_probability() -> None:
    edges = [("bird", "life"), *((f"b{n}", "bird") for n in range(500)), ("ship", "life")]
    tree = Taxonomy.from_edges(edges)
    mass = np.random.default_rng(0).random(len(tree)) * tree.is_leaf
    shares = tree.sum_up(mass / mass.sum())
    picked = chosen(tree, shares, tree.index("b7"), [tree.index("b7"), -1])
    view = relations._View(tree, shares, tree.index("b7"), -1, tree)
    shown = view.placed(relations._listed(tree, picked), {0})
    rest = next(one for one in shown if one.more)
    names = [one.key for one in shown if not one.more]
    hidden = [node for node in tree.children(tree.index("bird")) if tree.keys[node] not in names]
    assert len(shown) <= relations.MOST + 2 and "b7" in names
    assert rest.more == len(hidden) > 400
    assert rest.probability == pytest.approx(sum(shares[node] for node in hidden))


def test_every_shown_class_says_what_it_is(predicted_workspace: Workspace, tiny_tree: Taxonomy) -> None:
    ws = predicted_workspace
    label(ws, 3, "owl", by="cy")
    label(ws, 3, "owl", by="ada", uid="said-once-more")
    number = answered(ws, 3, tiny_shares(tiny_tree))
    found = named(relations.around(ws, number, "black-footed"))
    assert set(found) == {"life", "bird", "ship", "albatross", "owl", "black-footed", "gull-like"}
    assert {key for key, one in found.items() if one.on_path} == {"life", "bird", "albatross", "black-footed"}
    assert {key for key, one in found.items() if one.labelled} == {"owl"}
    assert {key for key, one in found.items() if one.on_label} == {"life", "bird", "owl"}
    assert {key: round(one.probability, 6) for key, one in found.items()} == {
        "life": 1.0,
        "bird": 0.8,
        "ship": 0.2,
        "albatross": 0.7,
        "owl": 0.1,
        "black-footed": 0.5,
        "gull-like": 0.2,
    }
    assert found["ship"].below == 1 and found["owl"].below == 0
    assert all(one.is_known for one in found.values())


def test_the_way_stands_in_one_row_and_no_two_boxes_in_one_place(predicted_workspace: Workspace, tiny_tree) -> None:
    number = answered(predicted_workspace, 3, tiny_shares(tiny_tree))
    for focus in tiny_tree.keys:
        found = relations.around(predicted_workspace, number, "black-footed", focus=focus)
        assert found.focus == focus
        places = [(one.column, one.row) for one in found.shown]
        assert len(set(places)) == len(places) and min(row for _, row in places) == 0
        way = {"life", *tiny_tree.path_keys(tiny_tree.index(focus))}
        assert len({one.row for one in found.shown if one.key in way}) == 1
        for one in found.shown[1:]:
            assert one.column == found.shown[one.parent].column + 1


def test_what_is_below_the_class_in_the_middle_is_shown(predicted_workspace: Workspace, tiny_tree: Taxonomy) -> None:
    number = answered(predicted_workspace, 3, tiny_shares(tiny_tree))
    found = named(relations.around(predicted_workspace, number, "black-footed", focus="ship"))
    assert "steamer" in found and not found["steamer"].on_path
    assert found["black-footed"].on_path, "the way to the answer stays in sight"


def test_a_run_of_an_older_tree_is_told_with_the_classes_that_are_gone(
    predicted_workspace: Workspace, tiny_tree: Taxonomy
) -> None:
    ws = predicted_workspace
    number = answered(ws, 3, tiny_shares(tiny_tree))
    assert not relations.around(ws, number, "black-footed").is_old
    newer = [(child, parent) for child, parent in zip(tiny_tree.keys[1:], tiny_tree.parents[1:], strict=True)]
    kept = [(child, tiny_tree.keys[parent]) for child, parent in newer if child != "gull-like"]
    taxonomies.store_taxonomy(ws, Taxonomy.from_edges(kept), source="newer", to_ancestor=True)
    found = relations.around(ws, number, "black-footed")
    assert found.is_old
    assert [one.key for one in found.shown if not one.is_known] == ["gull-like"]


def test_an_answer_that_is_gone_is_asked_for_again(predicted_workspace: Workspace, tiny_tree: Taxonomy) -> None:
    number = answered(predicted_workspace, 3, tiny_shares(tiny_tree))
    (predicted_workspace.inspection_folder(number) / relations.FILE).unlink()
    with pytest.raises(UnknownInspection, match="gone"):
        relations.around(predicted_workspace, number, "black-footed")


# --- the model's own probabilities ------------------------------------------------------------------------------------


def test_every_probability_is_the_one_beside_the_prediction(train, samples, tmp_path: Path) -> None:
    from hmgc_core.learning.checkpoints import load_checkpoint

    checkpoint = load_checkpoint(train(model="hrn").checkpoint)
    pixels = decode_pictures([sample.path for sample in samples[:4]], size=16, folder=tmp_path / "cache")
    for one in predict(checkpoint, pixels, device="cpu", top=4):
        shares = probabilities(checkpoint, pixels.take([one.place])[0], device="cpu")
        assert shares.shape == (len(checkpoint.taxonomy),) and shares[0] == pytest.approx(1, abs=1e-5)
        for node, share in (*one.path, *one.top):
            assert shares[node] == pytest.approx(share, abs=1e-5)
        sums = checkpoint.taxonomy.sum_up(shares * checkpoint.taxonomy.is_leaf)
        np.testing.assert_allclose(sums, shares, atol=1e-5)


def test_the_inspector_writes_the_whole_answer(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    assert untrained(ws, "resnet_mini") == 1
    number = relations.ask_answer(ws, 1, 2)
    asked = questions.inspection(ws, number)
    assert inspection._answer(ws, inspection._Checkpoints(ws), asked) == ("", "")
    shares = relations.all_probabilities(ws, number)
    tree = taxonomies.current_taxonomy(ws)[1]
    assert shares.shape == (len(tree),) and shares[tree.leaves].sum() == pytest.approx(1, abs=1e-5)
    node = tree.index(questions.answer(ws, number)["node"])
    assert shares[node] == shares[tree.leaves].max()


def test_a_question_that_ends_its_inspector_each_time_is_given_up(labelled_workspace: Workspace) -> None:
    ws = labelled_workspace
    untrained(ws, "resnet_mini")
    asked = questions.inspection(ws, relations.ask_answer(ws, 1, 2))
    folder, checkpoints = ws.inspection_folder(asked.id), inspection._Checkpoints(ws)
    for died in range(1, inspection.TRIES + 1):
        inspection._begin(folder)  # and then its process is gone
        assert (folder / inspection.BEGUN).read_text() == str(died)
    error, remedy = inspection._answer(ws, checkpoints, asked)
    assert "ended 3 times" in error and "memory" in remedy
    assert inspection._answer(ws, checkpoints, asked) == ("", "")  # asked again, it counts anew
    assert sorted(file.name for file in folder.iterdir()) == ["answer.json", relations.FILE]


# --- on screen --------------------------------------------------------------------------------------------------------


def test_the_page_waits_then_draws_and_an_answer_that_is_gone_can_be_asked_anew(
    predicted_workspace: Workspace, tiny_tree: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = predicted_workspace
    page = open_page(monkeypatch, ws, "predictions", run="1", image="3", why="around")
    assert "The inspector is not running" in said(page)
    number = answered(ws, 3, tiny_shares(tiny_tree))
    page.run()
    (drawn,) = [json.loads(one.proto.json) for one in page.get("bidi_component") if "actions" in one.proto.json]
    assert drawn["focus"] == "tug" and ["class", "Open the class"] in drawn["actions"]
    assert {row[0]: row[3] for row in drawn["nodes"]}["bird"] == "80%"
    page.query_params["of"] = "albatross"
    page.run()
    (drawn,) = [json.loads(one.proto.json) for one in page.get("bidi_component") if "actions" in one.proto.json]
    assert drawn["focus"] == "albatross"

    (ws.inspection_folder(number) / relations.FILE).unlink()
    page.run()
    assert "is gone" in page.error[0].value
    next(one for one in page.button if one.label == "Try again").click().run()
    assert questions.inspection(ws, number + 1).status == "queued"
