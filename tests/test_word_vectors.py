"""Every class gets a vector: the mean of its name's words in a file, or one made from letters; nothing is silent."""

from pathlib import Path

import numpy as np
import pytest

from hmgc_core.errors import WeightsError
from hmgc_core.models.word_vectors import WORD_WIDTH, class_vectors, vectors_from_letters, words_of
from hmgc_core.taxonomy import NodeText, Taxonomy

WORDS = ["black", "footed", "albatross", "ship", "owl", "and"]


@pytest.fixture
def tree() -> Taxonomy:
    names = {
        "b": "Bird",
        "a1": "001.Black_footed_Albatross",
        "a2": "Laysan Albatross",
        "o": "Owl and owlet",
        "s": "Ship",
        "z": "Zyzzyva",
    }
    edges = [("b", "life"), ("a1", "b"), ("a2", "b"), ("o", "b"), ("s", "life"), ("z", "s")]
    return Taxonomy.from_edges(edges, {key: NodeText(name) for key, name in names.items()})


def numbers_of(word: str) -> np.ndarray:
    return np.random.default_rng([*word.encode()]).normal(0, 0.4, WORD_WIDTH).round(4)


def line_of(word: str) -> str:
    return " ".join([word, *map(str, numbers_of(word))])


@pytest.fixture
def glove(tmp_path) -> Path:
    path = tmp_path / "glove.txt"
    path.write_text("\n".join(map(line_of, WORDS)) + "\n", encoding="utf-8")
    return path


def row(tree: Taxonomy, key: str) -> int:
    return tree.index(key) - 1


def test_names_are_split_as_the_authors_split_species():
    assert words_of("001.Black_footed_Albatross") == ["black", "footed", "albatross"]
    assert words_of("Black-footed  Albatross") == ["black", "footed", "albatross"]
    assert words_of("Black_and_white_Warbler") == ["black", "white", "warbler"]
    assert words_of("Boeing 737-800 (cargo)") == ["boeing", "737", "800", "cargo"]
    assert words_of("And") == ["and"] and words_of(" - ") == [" - "]


def test_a_class_is_the_mean_of_its_words_in_the_file(tree, glove):
    vectors = class_vectors(tree, str(glove)).vectors
    assert vectors.shape == (len(tree) - 1, WORD_WIDTH) and vectors.dtype == np.float32
    expected = {"a1": ["black", "footed", "albatross"], "a2": ["albatross"], "o": ["owl"], "s": ["ship"]}
    for key, words in expected.items():
        np.testing.assert_allclose(vectors[row(tree, key)], sum(map(numbers_of, words)) / len(words), atol=1e-6)


def test_a_class_without_words_has_its_letters_at_the_files_length(tree, glove):
    made = class_vectors(tree, str(glove))
    known = [np.linalg.norm(made.vectors[row(tree, key)]) for key in ("a1", "a2", "o", "s")]
    letters = vectors_from_letters(tree)
    for key in ("b", "z"):
        vector, shape = made.vectors[row(tree, key)], letters[row(tree, key)]
        assert np.linalg.norm(vector) == pytest.approx(np.mean(known), rel=1e-5)
        assert vector @ shape == pytest.approx(np.linalg.norm(vector) * np.linalg.norm(shape), rel=1e-5)


def test_people_are_told_what_is_missing_and_what_could_not_be_read(tree, glove):
    broken = ["zyzzyva 1 2 3", "bird " + " ".join(["x"] * 300), "laysan " + " ".join(["nan"] * 300), "400000 300", ""]
    glove.write_text("\n".join([*broken, *map(line_of, WORDS)]))
    remarks = class_vectors(tree, str(glove)).remarks
    assert remarks == (
        "words of class names that are not in glove.txt: bird, laysan, owlet, zyzzyva",
        "classes with no word in glove.txt, whose vectors come from their letters: Bird, Zyzzyva",
        "lines of glove.txt that are not a word and 300 numbers, and were passed over: 4",
    )


def test_a_word_with_nothing_but_zeros_is_no_vector(tree, glove):
    glove.write_text("\n".join([line_of("owl"), "ship " + " ".join(["0"] * 300)]))
    made = class_vectors(tree, str(glove))
    assert (np.linalg.norm(made.vectors, axis=1) > 0).all()
    assert any("Ship" in remark for remark in made.remarks)


def test_a_file_that_cannot_be_used_is_said_plainly(tree, tmp_path):
    short = tmp_path / "glove.100d.txt"
    short.write_text("owl " + " ".join(["0.5"] * 100))
    for path, words in (
        (tmp_path / "gone.txt", "cannot be read"),
        (tmp_path, "cannot be read"),
        (short, "300 numbers"),
    ):
        with pytest.raises(WeightsError, match=words) as caught:
            class_vectors(tree, str(path))
        assert caught.value.remedy


def test_letters_need_no_file_and_are_the_same_everywhere(tree):
    vectors = class_vectors(tree).vectors
    assert "by their letters" in class_vectors(tree).remarks[0]
    np.testing.assert_array_equal(vectors, vectors_from_letters(tree))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 6, rtol=1e-5)
    # Another machine or a later version that gives others would train another model from the same settings.
    np.testing.assert_allclose(vectors[row(tree, "b"), :4], [0.219, 0.437, -0.219, 0.437], atol=1e-3)


def test_names_that_share_words_and_siblings_are_near_each_other(tree):
    vectors = class_vectors(tree).vectors / 6

    def likeness(one: str, other: str) -> float:
        return float(vectors[row(tree, one)] @ vectors[row(tree, other)])

    assert likeness("a1", "a2") > likeness("a1", "o") + 0.2 > likeness("a1", "z") + 0.25
    assert likeness("a1", "a2") < 0.95
