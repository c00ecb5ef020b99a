"""Random edits, undos, labels and withdrawals over random trees, against a slow, obvious replay."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from test_labelling import assert_counts_are_true

from hmgc_core.errors import BadEdit
from hmgc_core.records import NewAnnotation
from hmgc_core.store import annotations, images, places
from hmgc_core.store.images import FoundPicture
from hmgc_core.store.schema import word
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import Add, Edit, Merge, Move, Rename, Retire, Split, edit_values
from hmgc_core.workflow import health, labelling, taxonomies, tree_edits, workspaces
from hmgc_core.workflow.workspaces import Workspace

PEOPLE = ("ada", "ben", "import")
IMAGES = 6
Parents = dict[str, str]  # key -> key of its parent; the root has none
State = tuple[str, str, bool] | None  # kind, key, second look; None: says nothing any more


# --- the slow and obvious code ----------------------------------------------------------------------------------------


@dataclass
class Version:
    """A tree, and what made it: an edit (with the keys it added), or the number of the version it takes back."""

    parents: Parents
    edit: dict[str, object] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    undoes: int | None = None


@dataclass
class Said:
    person: str
    image: int
    kind: str
    key: str
    version: int
    uid: str
    withdrawn: bool = False


def above(parents: Parents, key: str) -> list[str]:
    """The key itself and all above it."""
    line = [key]
    while line[-1] in parents:
        line.append(parents[line[-1]])
    return line


def nearest(present: Parents, former: Parents, key: str) -> str:
    return next(k for k in above(present, key) if k in {*former, *former.values()})


def gone_into(state: State, key: str, target: str, before: Parents, after: Parents) -> State:
    """The class `key` became a part of `target`."""
    assert state
    kind, at, look = state
    if at == key:
        return None if kind == "is_not" else ("is", target, look)
    if kind == "is_not" and at in above(after, target) and at not in above(before, key):
        return None  # said of a class that did not hold the other one yet
    return state


def grown(state: State, parent: str) -> State:
    """Below `parent` there is a class that there was not."""
    assert state
    return ("is", parent, True) if state[:2] == ("none_here", parent) else state


def step(state: State, version: Version, before: Parents) -> State:
    """What one version makes of a statement of the version before it."""
    if state is None or version.edit.get("verb") in ("rename", "move"):
        return state
    if version.undoes is not None:
        return step_back(state, before, version.parents)
    edit = version.edit
    if edit["verb"] == "add":
        return grown(state, str(edit["parent"]))
    if edit["verb"] == "split":
        kind, at, _ = state
        return ("is", at, True) if kind in ("is", "none_here") and at == edit["key"] else state
    key = str(edit["key"])
    target = edit["into"] if edit["verb"] == "merge" else edit["to"] or before[key]
    return gone_into(state, key, str(target), before, version.parents)


def step_back(state: State, before: Parents, after: Parents) -> State:
    """The former tree takes the place of the present one: what becomes of a statement made in the present one."""
    present, former = {*before, *before.values()}, {*after, *after.values()}
    for key in present - former:
        if state is not None:
            state = gone_into(state, key, nearest(before, after, key), before, after)
    for key in former - present:
        if state is not None:
            state = grown(state, after[key])
    return state


def replay(said: Said, versions: dict[int, Version]) -> State:
    """Read a statement through every version since; where a change is taken back, as it was read before that change."""
    states: dict[int, State] = {said.version: (said.kind, said.key, False)}
    for number in range(said.version + 1, max(versions) + 1):
        version = versions[number]
        if version.undoes is not None and version.undoes > said.version:
            states[number] = states[version.undoes - 1]
        else:
            states[number] = step(states[number - 1], version, versions[number - 1].parents)
    return states[max(versions)]


def expected_words(statements: list[Said], versions: dict[int, Version]) -> dict[tuple[int, str], State]:
    latest: dict[tuple[int, str], State] = {}
    for said in statements:
        state = None if said.withdrawn else replay(said, versions)
        if state is not None:
            latest[said.image, said.person] = state
    return latest


# --- the real thing ---------------------------------------------------------------------------------------------------


def real_words(ws: Workspace) -> dict[tuple[int, str], State]:
    with ws.reading() as connection:
        looks = {
            (row.image_id, row.annotation_id): row.second_look_id is not None
            for row in connection.execute(word.select())
        }
        return {
            (w.image_id, w.annotator): (w.kind, w.node, looks[w.image_id, w.annotation_id])
            for w in annotations.words(connection)
        }


def parents_of(taxonomy: Taxonomy) -> Parents:
    return {key: taxonomy.keys[taxonomy.parents[i]] for i, key in enumerate(taxonomy.keys) if i}


def random_tree(rng: np.random.Generator) -> Taxonomy:
    count = int(rng.integers(2, 9))
    return Taxonomy.from_edges([(f"n{i}", f"n{rng.integers(i)}" if i > 1 else "n0") for i in range(1, count + 1)])


def random_edit(rng: np.random.Generator, keys: list[str], number: int) -> Edit:
    one, other = (str(key) for key in rng.choice(keys, 2))
    return [
        Add(one, f"new {number}"),
        Rename(one, f"name {number}"),
        Move(one, other),
        Merge(one, other),
        Merge(one, other),
        Retire(one),
        Retire(one, to=other),
        Split(one, (f"a {number}", f"b {number}")),
    ][rng.integers(8)]


class Play:
    """One random history, told to the workspace and to the obvious code alike."""

    def __init__(self, ws: Workspace, seed: int) -> None:
        self.ws, self.rng = ws, np.random.default_rng(seed)
        first = taxonomies.store_taxonomy(ws, random_tree(self.rng), source="random")
        self.versions = {first.version: Version(self.parents())}
        self.statements: list[Said] = []
        self.made: Counter[str] = Counter()

    def parents(self) -> Parents:
        return parents_of(taxonomies.current_taxonomy(self.ws)[1])

    def turn(self, number: int) -> None:
        chance = self.rng.random()
        if chance < 0.3:
            self.edit(number)
        elif chance < 0.45:
            self.undo()
        elif chance < 0.55 and self.statements:
            self.withdraw()
        else:
            self.say(number)

    def edit(self, number: int) -> None:
        version, taxonomy = taxonomies.current_taxonomy(self.ws)
        edit = random_edit(self.rng, list(taxonomy.keys), number)
        try:
            preview = tree_edits.preview_edit(self.ws, edit)
        except BadEdit:
            return
        before = real_words(self.ws)
        done = tree_edits.make_edit(self.ws, edit, seen=version)
        self.versions[done.version] = Version(self.parents(), edit_values(edit), done.added)
        assert preview.led == done.led
        assert sum(led for _, _, led in done.led) == count_led(before, real_words(self.ws), edit)
        self.made[edit.verb] += 1

    def undo(self) -> None:
        last = tree_edits.last_change(self.ws)
        if last is None:
            return
        done = tree_edits.undo_edit(self.ws, seen=taxonomies.current_taxonomy(self.ws)[0])
        assert self.parents() == self.versions[last.version - 1].parents
        self.versions[done.version] = Version(self.parents(), undoes=last.version)
        self.made["undo"] += 1

    def say(self, number: int) -> None:
        """Somebody labels, on a page that shows this version of the tree or an older one."""
        newest = max(self.versions)
        oldest = min(self.versions)
        version = newest if self.rng.random() < 0.6 else int(self.rng.integers(oldest, newest + 1))
        taxonomy = taxonomies.taxonomy_version(self.ws, version)
        kind = str(self.rng.choice(["is", "is", "is", "is_not", "is_not", "none_here"]))
        key = str(self.rng.choice(taxonomy.keys[1 if kind == "is_not" else 0 :]))
        said = Said(
            str(self.rng.choice(PEOPLE)), int(self.rng.integers(1, IMAGES + 1)), kind, key, version, f"said-{number:04}"
        )
        statement = NewAnnotation(said.uid, said.image, key, kind, version)  # type: ignore[arg-type]
        labelling.annotate(self.ws, [statement], annotator=said.person)
        self.statements.append(said)

    def withdraw(self) -> None:
        said = self.statements[self.rng.integers(len(self.statements))]
        labelling.withdraw(self.ws, said.uid, annotator=said.person)
        said.withdrawn = True


def count_led(before: dict[tuple[int, str], State], after: dict[tuple[int, str], State], edit: Edit) -> int:
    """Words of a class that went into another, which now stand there."""
    if not isinstance(edit, Merge | Retire):
        return 0
    return sum(
        1 for place, state in before.items() if state and state[1] == edit.key and state[0] != "is_not" and after[place]
    )


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random")


@pytest.mark.parametrize("seed", range(20))
def test_every_word_reads_as_the_obvious_code_says(pictures: Path, seed: int) -> None:
    ws = workspaces.open_workspace(pictures / str(seed))
    with ws.writing() as connection:
        images.add(connection, [FoundPicture(f"{i}.png", f"{i:064}", 8, 8, "train") for i in range(IMAGES)])
        places.add(connection, images.folder_id(connection, pictures), {f"{i}.png": i + 1 for i in range(IMAGES)})
    play = Play(ws, seed)
    for number in range(40):
        play.turn(number)
        assert real_words(ws) == expected_words(play.statements, play.versions), (number, play.versions)
    assert_counts_are_true(ws)
    kept = real_words(ws), labelling.label_counts(ws)
    health.repair(ws)
    assert (real_words(ws), labelling.label_counts(ws)) == kept
    assert play.made
