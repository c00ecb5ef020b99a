"""The demo set: drawn the same for the same seed, true to its tree, labelled at the levels that people would use."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hmgc_core.demo import DemoLabel, DemoSet, demo_taxonomy, draw_demo, draw_picture
from hmgc_core.demo.labels import label_images
from hmgc_core.demo.plan import DemoImage, plan_images
from hmgc_core.errors import BadRequest, UnknownNode

TREE = demo_taxonomy()
LEAVES = [TREE.keys[leaf] for leaf in TREE.leaves]


@pytest.fixture(scope="module")
def whole_set() -> tuple[DemoImage, ...]:
    """What a whole set holds, before anything is drawn."""
    return plan_images(1000, np.random.default_rng(0))


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoSet]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, draw_demo(folder, seed=3, images=24)


def test_the_tree_has_five_families_fifteen_genera_and_forty_five_species():
    assert [len(level) for level in TREE.levels] == [5, 15, 45]
    assert TREE.depth == 3
    assert all(len(TREE.children(node)) == 3 for node in [*TREE.levels[0], *TREE.levels[1]])


def test_every_class_has_a_name_of_its_own_and_a_note():
    names = [TREE.name(node) for node in range(len(TREE))]

    assert len(set(names)) == len(TREE)
    assert "Black-footed albatross" in names
    assert all(TREE.note(node) for node in range(len(TREE)))
    assert "Phoebastria nigripes" in TREE.synonyms(TREE.index("albatross/north-pacific/black-footed"))


def test_the_same_seed_writes_the_same_bytes(small_set, tmp_path):
    folder, first = small_set

    second = draw_demo(tmp_path, seed=3, images=24)

    assert second.images == first.images
    assert second.labels == first.labels
    for image in first.images:
        assert (tmp_path / image.path).read_bytes() == (folder / image.path).read_bytes()


def test_another_seed_draws_other_pictures(small_set, tmp_path):
    folder, first = small_set

    other = draw_demo(tmp_path, seed=4, images=4)

    for image in other.images:
        assert (tmp_path / image.path).read_bytes() != (folder / image.path).read_bytes()
    assert [image.leaf for image in other.images] != [image.leaf for image in first.images[:4]]


def test_the_folder_holds_exactly_the_pictures_of_the_set(small_set):
    folder, demo = small_set

    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}

    assert found == {image.path for image in demo.images}
    assert len(found) == 24
    for path in found:
        with Image.open(folder / path) as picture:
            assert (picture.size, picture.mode) == ((96, 96), "RGB")


def test_file_names_are_numbers_only(small_set):
    _, demo = small_set

    assert [image.path.stem for image in demo.images] == [f"{number:04d}" for number in range(1, 25)]


def test_progress_counts_every_picture(tmp_path):
    seen = []

    draw_demo(tmp_path, images=3, on_progress=lambda done, total: seen.append((done, total)))

    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(("seed", "images"), [(0, 0), (-1, 5)])
def test_a_set_of_nothing_is_refused(tmp_path, seed, images):
    with pytest.raises(BadRequest) as refusal:
        draw_demo(tmp_path, seed=seed, images=images)

    assert "images >= 1" in refusal.value.remedy
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_species_is_drawn_and_differs_from_its_siblings(leaf):
    genus = TREE.parents[TREE.index(leaf)]

    siblings = [TREE.keys[child] for child in TREE.children(genus) if TREE.keys[child] != leaf]

    own, *others = (_pixels(key, 5) for key in [leaf, *siblings])

    assert own.shape == (96, 96, 3)
    assert own.std() > 0.05
    # A mark is small, but it is well visible where it is.
    assert all((np.abs(own - other).max(axis=2) > 0.25).sum() >= 20 for other in others)


def test_a_class_that_is_no_species_cannot_be_drawn():
    with pytest.raises(UnknownNode) as refusal:
        draw_picture("owl/eagle", np.random.default_rng(0))

    assert "owl/eagle/" in refusal.value.remedy


@pytest.mark.parametrize("degrade", [-0.1, 1.1, float("nan")])
def test_a_degradation_out_of_range_is_refused(degrade):
    with pytest.raises(BadRequest):
        draw_picture(LEAVES[0], np.random.default_rng(0), degrade=degrade)


def test_degrading_hides_the_species_before_the_family():
    siblings = [(TREE.keys[a], TREE.keys[b]) for genus in TREE.levels[1] for a, b in [TREE.children(genus)[:2]]]
    strangers = [(LEAVES[k], LEAVES[(k + 9) % 45]) for k in range(0, 45, 5)]

    kept_of_species = _distance(siblings, degrade=0.9) / _distance(siblings, degrade=0.0)
    kept_of_family = _distance(strangers, degrade=0.9) / _distance(strangers, degrade=0.0)

    assert kept_of_species < 0.45
    assert kept_of_family > 0.55


def test_every_species_is_in_every_split_about_equally_often(whole_set):
    counts = Counter((image.split, image.leaf) for image in whole_set)

    for split, least, most in (("train", 16, 18), ("val", 2, 2), ("test", 3, 4)):
        assert all(least <= counts[split, leaf] <= most for leaf in LEAVES)


def test_neighbours_are_of_different_classes(whole_set):
    assert all(a.leaf != b.leaf for a, b in pairwise(whole_set))


def test_val_and_test_pictures_carry_their_true_species(whole_set):
    said = {label.path: label for label in _labels(whole_set)}

    for image in whole_set:
        if image.split != "train":
            assert said[image.path].node == image.leaf
            assert said[image.path].annotator == "Demo key"


def test_people_label_at_every_level_and_coarser_where_they_see_less(whole_set):
    words = _train_words(whole_set)

    depths = Counter(depth for _, depth, _ in words)
    by_clarity = [
        np.mean([depth for image, depth, _ in words if low <= image.degrade < low + 0.25])
        for low in (0.0, 0.25, 0.5, 0.75)
    ]

    assert min(depths[level] for level in (1, 2, 3)) > 50
    assert depths[0] > 5
    assert by_clarity == sorted(by_clarity, reverse=True)
    assert by_clarity[0] - by_clarity[-1] > 1.5


def test_people_are_rarely_wrong_and_then_only_among_siblings(whole_set):
    words = _train_words(whole_set)

    slips = [(TREE.index(image.leaf), node) for image, _, node in words if not _is_true(image, node)]

    assert len(slips) < 0.05 * len(words)
    for leaf, node in slips:
        assert TREE.parents[node] in [0, *TREE.path(leaf)]


def test_some_pictures_are_labelled_twice_and_a_few_hundred_are_left_to_the_user(whole_set):
    said = Counter(label.path for label in _labels(whole_set))
    left = [image for image in whole_set if image.path not in said]

    assert sum(count == 2 for count in said.values()) > 80
    assert max(said.values()) == 2
    assert 200 <= len(left) <= 350
    assert all(image.split == "train" for image in left)
    assert sum(image.degrade < 0.2 for image in left) > 50
    assert sum(image.degrade > 0.6 for image in left) > 50


def _pixels(leaf: str, seed: int, degrade: float = 0.0) -> np.ndarray:
    return np.asarray(draw_picture(leaf, np.random.default_rng(seed), degrade=degrade), dtype=float) / 255.0


def _distance(pairs: list[tuple[str, str]], *, degrade: float) -> float:
    """The mean pixel distance (root mean square) between the two of each pair, drawn from equal generators."""
    gaps = [_pixels(a, seed, degrade) - _pixels(b, seed, degrade) for seed, (a, b) in enumerate(pairs)]
    return float(np.mean([np.sqrt((gap**2).mean()) for gap in gaps]))


def _labels(images: tuple[DemoImage, ...]) -> tuple[DemoLabel, ...]:
    return label_images(TREE, images, np.random.default_rng(1))


def _train_words(images: tuple[DemoImage, ...]) -> list[tuple[DemoImage, int, int]]:
    """Each label of a train picture as image, depth of the label, node index of the label."""
    by_path = {image.path: image for image in images if image.split == "train"}
    nodes = [(by_path[label.path], TREE.index(label.node)) for label in _labels(images) if label.path in by_path]
    return [(image, int(TREE.depths[node]), node) for image, node in nodes]


def _is_true(image: DemoImage, node: int) -> bool:
    return bool(TREE.is_at_or_below(TREE.index(image.leaf), node))
