"""A vector for every class of a tree, from a GloVe file or from the letters of its name. Numpy only.

From a file (Pennington et al., "GloVe", EMNLP 2014; lines of a word and 300 numbers), as HMGN's authors do: the mean
over the words of a name, split at blanks, underscores and hyphens, "and" skipped, lower-cased, a number such as the
`001.` of bird lists left out. They look a name of several words up as one word at the upper levels, and fail at a
word that is not there; here a name at any level is split, and a class with none of its words gets its letters' vector.

From letters, where there is no file: a word is the sum of fixed random signs of its runs of 3 to 5 letters (as in
fastText, Bojanowski et al., TACL 2017, with the signs drawn by a hash instead of learned), a name the mean of its
words, a class its name and half of its parent's vector. Why so: it needs no download and gives the same numbers on
every machine; names that share a word or its stem ("Black-footed Albatross", "Laysan Albatross") are near each other;
so are siblings whose names share nothing, which word vectors would have put together by meaning; and no two names have
the same vector. It knows no meaning beyond that: "cat" and "lynx" are near only where the tree says so.
"""

import hashlib
import re
import string
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import WeightsError
from hmgc_core.given_paths import given_path
from hmgc_core.taxonomy import Taxonomy

WORD_WIDTH = 300
PARENT_SHARE = 0.5
# Numbers of about a third in size: a tanh of their products with features is neither flat nor dead at the start.
LETTERS_LENGTH = 6.0
RUNS = (3, 4, 5)
TOLD = 20  # of a long list, people are told the first
FROM_LETTERS = "no file of word vectors was given: the names of the classes are compared by their letters"

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class ClassVectors:
    """vectors: (N - 1, 300) float32, of every node but the root; no row is zero. remarks: what people should know."""

    vectors: FloatArray
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class WordFile:
    """What was found in a file. vectors: by word. malformed: lines that are not a word and 300 numbers."""

    vectors: dict[str, FloatArray]
    malformed: int


def class_vectors(taxonomy: Taxonomy, file: str = "") -> ClassVectors:
    """The vectors of all classes, from this GloVe file, or from letters where `file` is "".

    A class with some of its words in the file is the mean of those; one with none has its letters' vector, scaled to
    the mean length of the others. Raises WeightsError where the file cannot be read or holds no vector of 300 numbers.
    """
    vectors = vectors_from_letters(taxonomy)
    if not file:
        return ClassVectors(vectors, (FROM_LETTERS,))
    names = [taxonomy.name(node) for node in range(1, len(taxonomy))]
    wanted = [words_of(name) for name in names]
    found = read_word_vectors(given_path(file), {word for words in wanted for word in words})
    means = np.zeros_like(vectors)
    for row, words in enumerate(wanted):
        known = [found.vectors[word] for word in words if word in found.vectors]
        if known:
            means[row] = np.mean(known, axis=0)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    has_words = lengths > 0
    if has_words.any():
        vectors = np.where(has_words, means, vectors * (lengths[has_words].mean() / LETTERS_LENGTH))
    missing = sorted({word for words in wanted for word in words} - found.vectors.keys())
    from_letters = [name for name, has in zip(names, has_words[:, 0], strict=True) if not has]
    return ClassVectors(vectors, _remarks(Path(file).name, missing, from_letters, found.malformed))


def words_of(name: str) -> list[str]:
    """The words to look up for a class name, lower-cased: at least one, the name itself where nothing else is left."""
    without_number = re.sub(r"^\d+\.", "", name)
    parts = (part.strip(string.punctuation).lower() for part in re.split(r"[\s_\-‐-―]+", without_number))
    return [part for part in parts if part and part != "and"] or [name.lower()]


def read_word_vectors(path: Path, wanted: AbstractSet[str]) -> WordFile:
    """The vectors of the wanted words; of a word that is there twice, the first. Reads a line at a time.

    Raises WeightsError where there is no such file, or none of its lines is a word and 300 numbers.
    """
    vectors: dict[str, FloatArray] = {}
    left = {word.encode() for word in wanted}
    malformed = whole = 0
    try:
        with path.open("rb") as lines:
            for line in lines:
                fields = line.rstrip()
                if not fields:
                    continue
                is_whole = fields.count(b" ") == WORD_WIDTH
                word = fields[: fields.find(b" ")]
                if is_whole and word in left:
                    vector = _numbers(fields)
                    is_whole = vector is not None
                    if vector is not None:
                        vectors[word.decode()] = vector
                        left.remove(word)
                whole += is_whole
                malformed += not is_whole
    except OSError as error:
        raise WeightsError(
            f"the word vectors {path} cannot be read: {error.strerror}",
            remedy="check the path, or leave it empty: vectors are then made from the class names",
        ) from error
    if not whole:
        raise WeightsError(
            f"the word vectors {path} hold no line of a word and {WORD_WIDTH} numbers",
            remedy="give GloVe vectors as text, with 300 numbers a word, such as glove.6B.300d.txt",
        )
    return WordFile(vectors, malformed)


def _numbers(fields: bytes) -> FloatArray | None:
    """The numbers after the word, or None where one is not a finite number."""
    try:
        vector = np.array([float(field) for field in fields.split(b" ")[1:]], dtype=np.float32)
    except ValueError:
        return None
    return vector if np.isfinite(vector).all() else None


def vectors_from_letters(taxonomy: Taxonomy) -> FloatArray:
    """(N - 1, 300) float32 of the same length: each name's letters, and half of its parent's vector."""
    vectors = np.zeros((len(taxonomy), WORD_WIDTH))
    for node in range(1, len(taxonomy)):
        own = np.mean([_word_from_letters(word) for word in words_of(taxonomy.name(node))], axis=0)
        mixed = own / np.linalg.norm(own) + PARENT_SHARE * vectors[taxonomy.parents[node]]
        vectors[node] = mixed / np.linalg.norm(mixed)
    return (LETTERS_LENGTH * vectors[1:]).astype(np.float32)


@lru_cache(maxsize=4096)
def _word_from_letters(word: str) -> NDArray[np.float64]:
    """(300,) of length 1: the sum of the signs of the word's runs of letters and of the whole word, its ends marked."""
    marked = f"<{word}>"
    runs = [marked, *(marked[at : at + size] for size in RUNS for at in range(len(marked) - size + 1))]
    hashes = b"".join(hashlib.blake2b(run.encode(), digest_size=-(-WORD_WIDTH // 8)).digest() for run in runs)
    bits = np.unpackbits(np.frombuffer(hashes, dtype=np.uint8).reshape(len(runs), -1), axis=1)[:, :WORD_WIDTH]
    signs = 2.0 * bits.sum(0) - len(runs)
    return signs / np.linalg.norm(signs)


def _remarks(file: str, missing: list[str], from_letters: list[str], malformed: int) -> tuple[str, ...]:
    remarks = []
    if missing:
        remarks.append(f"words of class names that are not in {file}: {_told(missing)}")
    if from_letters:
        remarks.append(f"classes with no word in {file}, whose vectors come from their letters: {_told(from_letters)}")
    if malformed:
        remarks.append(
            f"lines of {file} that are not a word and {WORD_WIDTH} numbers, and were passed over: {malformed}"
        )
    return tuple(remarks)


def _told(names: list[str]) -> str:
    more = f", and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(names[:TOLD]) + more
