"""A former version of the class tree comes into use again, and labels read as they did."""

import pytest
from conftest import label

from hmgc_core.errors import TaxonomyError
from hmgc_core.store import annotations
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.tree_edits import Merge, Rename
from hmgc_core.workflow import taxonomies, tree_edits
from hmgc_core.workflow.tree_versions import preview_use_again, tree_versions, use_again
from hmgc_core.workflow.workspaces import Workspace


def said(ws: Workspace) -> dict[int, str]:
    with ws.reading() as connection:
        return {word.image_id: word.node for word in annotations.words(connection)}


def smaller() -> Taxonomy:
    return Taxonomy.from_edges([("bird", "life"), ("ship", "life"), ("tug", "ship")])


def test_labels_read_again_as_they_did(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    label(workspace, 2, "gull-like")
    taxonomies.store_taxonomy(workspace, smaller(), source="smaller.csv", to_ancestor=True)
    assert said(workspace) == {1: "bird", 2: "bird"}
    label(workspace, 3, "tug")
    assert [(version.id, version.in_use) for version in tree_versions(workspace)] == [(2, True), (1, False)]
    change = preview_use_again(workspace, 1)
    assert set(change.added) == {"albatross", "owl", "black-footed", "gull-like", "steamer"}
    assert use_again(workspace, 1) == 3
    assert said(workspace) == {1: "owl", 2: "gull-like", 3: "tug"}
    assert [version.in_use for version in tree_versions(workspace)] == [True, False, True]


def test_several_changes_are_taken_back_at_once(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    first, _ = taxonomies.current_taxonomy(workspace)
    version = tree_edits.make_edit(workspace, Rename("owl", name="Owl"), seen=first).version
    version = tree_edits.make_edit(workspace, Merge("owl", "albatross"), seen=version).version
    assert said(workspace) == {1: "albatross"}
    use_again(workspace, first, by="ada")
    assert said(workspace) == {1: "owl"}
    assert taxonomies.current_taxonomy(workspace)[1] == taxonomies.taxonomy_version(workspace, first)
    assert tree_versions(workspace)[0].author == "ada"


def test_a_version_that_was_taken_back_can_come_again_too(workspace: Workspace) -> None:
    label(workspace, 1, "owl")
    taxonomies.store_taxonomy(workspace, smaller(), source="smaller.csv", to_ancestor=True)
    use_again(workspace, 1)
    label(workspace, 2, "gull-like")
    use_again(workspace, 2)
    assert taxonomies.current_taxonomy(workspace)[1] == smaller()
    assert said(workspace) == {1: "bird", 2: "bird"}


def test_the_version_in_use_and_one_that_is_none_are_named_errors(workspace: Workspace) -> None:
    with pytest.raises(TaxonomyError, match="in use already") as caught:
        use_again(workspace, 1)
    assert caught.value.remedy
    with pytest.raises(TaxonomyError, match="no version 9"):
        use_again(workspace, 9)
