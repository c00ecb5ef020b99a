"""The Class tree page: what its address restores, what its card tells, and what it says where something is missing."""

import json
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from conftest import TINY_EDGES, label
from reading_pages import explorer, gallery, open_page, said, tree_card

from app import state
from app.components import tree_colours, tree_view
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import embeddings, taxonomies, tree_statistics
from hmgc_core.workflow.tree_statistics import Figure, TreeStatistics
from hmgc_core.workflow.workspaces import Workspace


def figures(page) -> dict[str, tuple[str, str]]:
    return {name: (value, note) for name, value, note, _ in tree_card(page)["figures"]}


def mistakes(page) -> dict[str, list[tuple[str, str, int, str]]]:
    """Part of the card -> its lines as (heading, what is said, pictures, address)."""
    return {
        title: [(heading, words, count, href) for heading, rows, _ in groups for words, count, href, _ in rows]
        for title, _, groups in tree_card(page)["mistakes"]
    }


def test_the_address_restores_view_colour_class_run_and_pictures(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = {"node": "bird", "view": "rings", "colour": "contradicted", "run": "1", "pictures": "predicted"}
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", **address)
    drawn = explorer(page)
    assert (drawn["view"], drawn["colour"], drawn["name"], drawn["run"]) == ("rings", "contradicted", "bird", 1)
    assert drawn["crumbs"] == [[0, "life"]]
    assert tree_card(page)["tab"] == "predicted"
    assert len(gallery(page)) == 17  # three of four leaves are birds, and one is taken for a tug


def test_nonsense_in_the_address_shows_the_whole_tree(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    nonsense = {"node": "dragon", "view": "spiral", "colour": "mauve", "run": "77", "pictures": "lost", "from": "9999"}
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", **nonsense)
    drawn = explorer(page)
    assert (drawn["view"], drawn["colour"], drawn["name"], drawn["run"]) == ("boxes", "accuracy", "life", 1)
    assert (drawn["passed"], tree_card(page)["tab"]) == (0, "labelled")


def test_the_card_tells_what_is_known_of_a_class(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(predicted_workspace, 3, "tug", by="ben")
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="albatross")
    told = figures(page)
    assert told["Labels"] == ("10", "5 say exactly this")
    assert told["Labels go to"] == ("level 2.5", "of 3, on average")
    assert told["Found"] == ("100%", "of 2 test pictures")
    assert told["Model disagrees"] == ("10%", "of 10 labelled pictures")
    assert told["People disagree"] == ("–", "no picture yet")
    assert tree_card(page)["labels"] == {"levels": ["Level 2", "Level 3"], "people": [["ada", [5, 5]]], "more": ""}


def test_a_mistake_leads_to_its_pictures(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="gull-like")
    ((heading, words, count, href),) = mistakes(page)["Taken for something else"]
    assert (heading, words, count) == ("Far branches", "owl (2 levels up)", 1)
    assert urlsplit(href).path == "/predictions"
    assert parse_qs(urlsplit(href).query) == {"run": ["1"], "mark": ["taken-for:gull-like:owl"]}
    assert mistakes(page)["Others taken for it"] == []
    root = mistakes(open_page(monkeypatch, predicted_workspace, "taxonomy"))
    assert [line[1:3] for line in root["Mixed up below"]] == [("bird → ship", 1)]


def test_what_the_newest_model_puts_there_without_a_label_can_be_labelled_next(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="bird")
    assert tree_card(page)["links"] == [
        ["Label what the model puts here: 3 pictures without a label", "/annotate?queue=predicted%3Abird"]
    ]


def test_keys_are_written_so_that_a_colon_in_them_splits_nothing(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.components.node_mistakes import mark_of
    from hmgc_core.workflow.tree import Confusion

    taxonomy = Taxonomy.from_edges([("a:b", "r"), ("c/d%", "r")])
    found = mark_of(taxonomy, Confusion(taxonomy.index("a:b"), taxonomy.index("c/d%"), 1, 1))
    assert found == "taken-for:a%3Ab:c%2Fd%25"


def test_typical_and_odd_pictures_need_what_the_run_left(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = predicted_workspace
    page = open_page(monkeypatch, ws, "taxonomy", node="bird", pictures="odd")
    assert "Run 1 left no vectors" in tree_card(page)["told"]
    assert gallery(page) == []
    ws.run_folder(1).mkdir(parents=True)
    vectors = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float16)
    embeddings.keep(ws.run_folder(1), np.arange(1, 25), vectors)
    odd = [card[0] for card in gallery(open_page(monkeypatch, ws, "taxonomy", node="bird", pictures="odd"))]
    typical = [card[0] for card in gallery(open_page(monkeypatch, ws, "taxonomy", node="bird", pictures="typical"))]
    assert len(odd) == 15
    assert typical == odd[::-1]


def test_without_a_model_its_figures_are_grey_and_the_page_says_why(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, labelled_workspace, "taxonomy", colour="accuracy")
    assert all(box[3] is None for box in explorer(page)["boxes"])
    assert "No model was trained yet" in explorer(page)["about"]
    assert "No model was trained yet" in tree_card(page)["missing"][0]
    assert tree_card(page)["tabs"] == [["labelled", "Labelled here"]]
    assert explorer(open_page(monkeypatch, labelled_workspace, "taxonomy"))["colour"] == "labels"


def test_a_run_of_an_older_tree_is_named_and_shows_no_figures(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    larger = Taxonomy.from_edges([*TINY_EDGES, ("plane", "life")])
    taxonomies.store_taxonomy(predicted_workspace, larger, source="larger")
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="bird", colour="confidence")
    assert "Run 1 learned another version of the tree" in tree_card(page)["missing"][0]
    assert "Run 1 learned another tree" in explorer(page)["about"]
    assert all(box[3] is None for box in explorer(page)["boxes"])
    assert "Found" not in figures(page)


def test_a_tree_without_pictures_leads_to_them(
    empty_workspace: Workspace, tiny_tree: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    taxonomies.store_taxonomy(empty_workspace, tiny_tree, source="tiny.csv")
    page = open_page(monkeypatch, empty_workspace, "taxonomy")
    assert "There is no picture yet: bring some in" in said(page)
    assert "Nothing is labelled here yet." in tree_card(page)["told"]


def test_turning_the_page_shows_the_next_pictures_and_another_class_begins_anew(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.components.node_panel.PER_PAGE", 6)
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="bird")
    everything = [image for image in range(1, 21) if image % 4 != 3]
    assert [card[0] for card in gallery(page)] == everything[:6]
    page.session_state[state.NODE_PAGE] = ("labelled", "bird", 12)
    page.run()
    assert [card[0] for card in gallery(page)] == everything[12:]
    assert tree_card(page)["page"] == [12, 6, 15]
    page.query_params["node"] = "albatross"
    page.run()
    assert tree_card(page)["page"] == [0, 6, 10]


# --- the drawing ------------------------------------------------------------------------------------------------------


def known_of(taxonomy: Taxonomy, **changed: object) -> TreeStatistics:
    none = np.zeros(0, dtype=np.int64)
    empty = tree_statistics.statistics_of(taxonomy, tree_statistics.Said(none, none, none), None)
    return TreeStatistics(**(vars(empty) | changed))


@pytest.mark.parametrize("view", list(tree_view.VIEWS))
@pytest.mark.parametrize("colour", list(tree_colours.COLOURS))
def test_every_colour_draws_a_tree_of_which_nothing_is_known_all_grey(
    tiny_tree: Taxonomy, view: str, colour: str
) -> None:
    drawn = tree_view.drawn(tiny_tree, known_of(tiny_tree), 0, view=view, colour=colour)
    assert len(drawn["boxes"]) == len(tiny_tree)
    assert all(box[3:5] == [None, ""] for box in drawn["boxes"])
    assert drawn["key"]["low"] == ""
    assert json.loads(json.dumps(drawn)) == drawn


def test_places_on_the_scales_are_what_the_key_says(tiny_tree: Taxonomy) -> None:
    size = len(tiny_tree)
    of = np.full(size, 7)
    gap = Figure(np.linspace(-0.4, 0.4, size), of)
    half = Figure(np.full(size, 0.5), of)
    known = known_of(tiny_tree, sure=Figure(half.value + gap.value, of), right=half, labels=np.arange(size) * 16)
    painted = tree_colours.paint("calibration", known, range(size))
    assert painted.places[0] == 0 and painted.places[-1] == 1 and painted.places[size // 2] == 0.5
    assert (painted.low, painted.high) == ("40% less sure than right", "40% surer than right")
    assert (painted.texts[0], painted.texts[-1]) == ("−40%", "+40%")
    counted = tree_colours.paint("labels", known, range(size))
    assert counted.places[0] is None  # no label is no figure, not a small one
    assert counted.places[2] == 0.5  # a quarter of the most: amounts are spread by their root
    assert (counted.low, counted.high, counted.texts[-1]) == ("0", "128", "128")


def test_a_small_gap_between_certainty_and_right_answers_stays_pale(tiny_tree: Taxonomy) -> None:
    of = np.full(len(tiny_tree), 7)
    sure, right = Figure(np.full(len(tiny_tree), 0.51), of), Figure(np.full(len(tiny_tree), 0.5), of)
    painted = tree_colours.paint("calibration", known_of(tiny_tree, sure=sure, right=right), range(3))
    assert painted.places == [0.55, 0.55, 0.55]


def test_at_most_a_thousand_are_drawn_of_a_very_large_tree() -> None:
    edges = [(f"a{i}", "root") for i in range(90)]
    edges += [(f"a{i}.{j}", f"a{i}") for i in range(90) for j in range(20)]
    edges += [(f"a{i}.{j}.{k}", f"a{i}.{j}") for i in range(90) for j in range(20) for k in range(8)]
    taxonomy = Taxonomy.from_edges(edges)
    known = known_of(taxonomy)
    for view in tree_view.VIEWS:
        for node in (0, 1, taxonomy.index("a5.7"), taxonomy.index("a5.7.3")):
            boxes = tree_view.drawn(taxonomy, known, node, view=view, colour="labels")["boxes"]
            assert 1 < len(boxes) <= 1000


def test_an_address_of_a_class_that_is_gone_says_so(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, predicted_workspace, "taxonomy", node="do*do")
    assert "The class tree has no class do*do. All of it is shown." in said(page)
    assert explorer(page)["name"] == "life"
    assert "has no class" not in said(open_page(monkeypatch, predicted_workspace, "taxonomy", node="bird"))
