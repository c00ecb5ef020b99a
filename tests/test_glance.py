"""A class at a glance: whose pictures stand for it, and what looks like a picture."""

from pathlib import Path

import numpy as np
import pytest
from conftest import label

from hmgc_core.errors import UnknownImage, UnknownNode
from hmgc_core.workflow import taxonomies
from hmgc_core.workflow.embeddings import embeddings
from hmgc_core.workflow.glance import glance, nearest_labelled
from hmgc_core.workflow.workspaces import Workspace

# The workspace: images 1 to 12 train, 13 to 16 val, 17 to 24 test.
TEST = range(17, 25)


def write_embeddings(ws: Workspace, vectors: np.ndarray, images: list[int], *, run: int = 1) -> None:
    folder = ws.run_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "embeddings.npy", vectors.astype(np.float16))
    np.save(folder / "embedding_images.npy", np.array(images, dtype=np.int64))


# --- pictures of a class ----------------------------------------------------------------------------------------------


def test_pictures_of_a_class_are_those_labelled_as_it_or_below_and_never_test_pictures(workspace: Workspace) -> None:
    for image_id, node in ((1, "owl"), (2, "black-footed"), (3, "bird"), (4, "tug"), (20, "owl"), (21, "bird")):
        label(workspace, image_id, node)
    assert set(glance(workspace, "bird").own.images) == {1, 2, 3}
    assert glance(workspace, "owl").own.images == (1,)
    assert glance(workspace, "gull-like").own.images == ()


def test_what_it_is_not_says_nothing_about_a_class_but_none_below_does(workspace: Workspace) -> None:
    label(workspace, 1, "bird", kind="is_not")
    label(workspace, 2, "bird", kind="none_here")
    assert glance(workspace, "bird").own.images == (2,)


def test_the_picture_on_screen_is_left_out(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    label(workspace, 2, "owl")
    assert glance(workspace, "owl", without=1).own.images == (2,)


def test_an_inner_class_is_shown_by_pictures_from_all_over_it(workspace: Workspace) -> None:
    for image_id in range(1, 10):
        label(workspace, image_id, "black-footed")
    label(workspace, 10, "gull-like")
    label(workspace, 11, "owl")
    assert {10, 11} <= set(glance(workspace, "bird").own.images)


def test_siblings_stand_in_the_order_of_the_tree_with_the_class_among_them(workspace: Workspace) -> None:
    label(workspace, 1, "gull-like")
    found = glance(workspace, "black-footed")
    assert [(one.node, one.images) for one in found.siblings] == [("black-footed", ()), ("gull-like", (1,))]
    assert [one.node for one in glance(workspace, "bird").siblings] == ["bird", "ship"]
    assert glance(workspace, "life").siblings == ()


def test_two_people_who_agree_count_as_one_picture(workspace: Workspace) -> None:
    label(workspace, 1, "owl", by="ada")
    label(workspace, 1, "owl", by="ben")
    assert glance(workspace, "owl").own.images == (1,)


def test_a_class_that_is_not_there_is_a_named_error(workspace: Workspace) -> None:
    with pytest.raises(UnknownNode, match="dragon"):
        glance(workspace, "dragon")


# --- what looks like a picture ----------------------------------------------------------------------------------------


@pytest.fixture
def seen(predicted_workspace: Workspace) -> tuple[Workspace, np.ndarray]:
    """Run 1 with embeddings of all pictures but 24, in no order; images 1 to 20 are labelled."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(23, 16)).astype(np.float16)
    images = rng.permutation(np.arange(1, 24)).tolist()
    write_embeddings(predicted_workspace, vectors, images)
    by_image = np.zeros((25, 16))
    by_image[images] = vectors
    return predicted_workspace, by_image


def test_the_nearest_are_those_with_the_largest_cosine_among_labelled_ones(seen: tuple[Workspace, np.ndarray]) -> None:
    ws, vectors = seen
    found = nearest_labelled(ws, 3, count=5)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    centred = unit - unit[1:24].mean(axis=0)  # images 1 to 23 are those the run has seen
    cosines = centred @ centred[3] / np.linalg.norm(centred, axis=1) / np.linalg.norm(centred[3])
    wanted = sorted((i for i in range(1, 17) if i != 3), key=lambda i: -cosines[i])[:5]
    assert [n.image_id for n in found.neighbours] == wanted
    assert [n.likeness for n in found.neighbours] == pytest.approx([cosines[i] for i in wanted], abs=2e-3)
    assert found.run == 1 and found.is_known


def test_neither_test_pictures_nor_the_picture_itself_are_among_the_nearest(
    seen: tuple[Workspace, np.ndarray],
) -> None:
    ws, _ = seen
    near = {n.image_id for n in nearest_labelled(ws, 18, count=50).neighbours}
    assert near == set(range(1, 17))
    assert not near & set(TEST)
    assert 2 not in {n.image_id for n in nearest_labelled(ws, 2, count=50).neighbours}


def test_a_neighbour_carries_its_newest_label(seen: tuple[Workspace, np.ndarray]) -> None:
    ws, _ = seen
    label(ws, 5, "tug", by="ben")
    found = {n.image_id: n.node for n in nearest_labelled(ws, 3, count=50).neighbours}
    assert found[5] == "tug"


def test_without_a_training_or_for_a_later_picture_it_says_so(
    seen: tuple[Workspace, np.ndarray], empty_workspace: Workspace
) -> None:
    ws, _ = seen
    later = nearest_labelled(ws, 24)
    assert (later.run, later.is_known, later.neighbours) == (1, False, ())
    with pytest.raises(UnknownImage):
        nearest_labelled(ws, 999)


def test_before_the_first_training_there_are_no_neighbours(labelled_workspace: Workspace) -> None:
    found = nearest_labelled(labelled_workspace, 1)
    assert (found.run, found.is_known, found.neighbours) == (None, False, ())


def test_embeddings_that_are_missing_cut_off_or_uneven_are_none(tmp_path: Path) -> None:
    assert embeddings(tmp_path) is None
    (tmp_path / "embeddings.npy").write_bytes(b"\x93NUMPY\x01")
    assert embeddings(tmp_path) is None
    np.save(tmp_path / "embeddings.npy", np.zeros((3, 4), dtype=np.float16))
    np.save(tmp_path / "embedding_images.npy", np.arange(2))
    assert embeddings(tmp_path) is None


def test_a_vector_of_zeros_or_beyond_float16_harms_nobody(tmp_path: Path) -> None:
    vectors = np.array([[1, 0], [0, 0], [np.inf, 0], [1, 1]], dtype=np.float16)
    np.save(tmp_path / "embeddings.npy", vectors)
    np.save(tmp_path / "embedding_images.npy", np.array([4, 3, 2, 1]))
    read = embeddings(tmp_path)
    assert read is not None
    assert read.images[read.rows([4, 9, 1])].tolist() == [4, 1]
    assert np.isfinite(read.vectors).all()
    assert read.likeness(3).argsort()[::-1][:2].tolist() == [3, 0]  # image 4 is most like itself, then image 1


def test_among_many_labels_the_same_neighbours_are_found(
    seen: tuple[Workspace, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, _ = seen
    exact = nearest_labelled(ws, 3, count=5)
    monkeypatch.setattr("hmgc_core.workflow.glance.FEW_LABELS", 0)
    monkeypatch.setattr("hmgc_core.workflow.glance.ASKED_FIRST", 2)
    assert nearest_labelled(ws, 3, count=5) == exact


def test_classes_of_an_older_tree_lead_to_their_successors(workspace: Workspace, tiny_tree) -> None:
    label(workspace, 1, "owl")
    from hmgc_core.taxonomy import Taxonomy

    newer = Taxonomy.from_edges([("bird", "life"), ("ship", "life"), ("tug", "ship")])
    taxonomies.store_taxonomy(workspace, newer, source="newer", to_ancestor=True)
    assert glance(workspace, "bird").own.images == (1,)
