"""Connected patches: asked of the inspector, drawn as a figure, served, and shown on a picture's page."""

import gzip
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from made_graphs import COLUMNS, ROWS, answer_with, graph_run, made_graph
from PIL import Image
from reading_pages import open_page, said
from starlette.testclient import TestClient
from test_routes import browser

from hmgc_core import inspection
from hmgc_core.errors import NoGraph, UnknownInspection, UnknownNode
from hmgc_core.inspection import Explaining
from hmgc_core.patch_figure import NEIGHBOURS, draw
from hmgc_core.patch_graph import PatchGraph
from hmgc_core.records import RunConfig
from hmgc_core.store import jobs
from hmgc_core.workflow import graph, questions, taxonomies, training
from hmgc_core.workflow.workspaces import Workspace

PATH = ["bird", "albatross", "black-footed"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def picture() -> Image.Image:
    """100 x 80 of noise."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8))


# --- the figure -------------------------------------------------------------------------------------------------------


def texts(svg: bytes) -> list[str]:
    return ["".join(one.itertext()).strip() for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_figure_has_a_column_a_block_a_row_a_kind_and_a_rank_at_every_edge(picture: Image.Image) -> None:
    made = made_graph(PATH)
    drawn = texts(draw(made, picture, place=1, blocks=[1, 2, 4], name="albatross", kind="svg"))
    assert [text for text in drawn if text.startswith("Block")] == ["Block 1 of 4", "Block 2 of 4", "Block 4 of 4"]
    assert {"albatross", "Evidence", "Strongest patch", "Connected with"} <= set(drawn)
    for block, count in ((1, 3), (2, 3), (4, 4)):
        assert len(made.block(block).connected(made.block(block).stars[1])) == count <= NEIGHBOURS
    assert sorted(text for text in drawn if text.isdigit()) == sorted("123" + "123" + "1234")


def test_a_block_without_evidence_says_so_and_has_no_star(picture: Image.Image) -> None:
    drawn = texts(draw(made_graph(PATH), picture, place=0, blocks=[3], name="bird", kind="svg"))
    assert drawn.count("no evidence") == 3
    assert not [text for text in drawn if text.isdigit()]


def test_a_name_is_text_and_no_formula_or_markup(picture: Image.Image) -> None:
    name = "$x_1$ <script>alert(1)</script> & co"
    svg = draw(made_graph(PATH), picture, place=0, blocks=[1], name=name, kind="svg")
    assert name in texts(svg)
    assert b"<script" not in svg


def test_the_same_figure_is_the_same_file_also_of_two_threads(picture: Image.Image) -> None:
    found: list[bytes] = []

    def make() -> None:
        found.append(draw(made_graph(PATH), picture, place=0, blocks=[1], name="bird", kind="svg"))

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


@pytest.mark.parametrize("size", [(100, 80), (40, 4000), (4000, 40), (1, 1)])
def test_pictures_of_any_shape_are_drawn(size: tuple[int, int]) -> None:
    png = draw(made_graph(PATH), Image.new("RGB", size, "teal"), place=0, blocks=[1, 4], name="bird", kind="png")
    width, height = Image.open(io.BytesIO(png)).size
    assert 0.3 < width / height < 3


def test_an_unknown_block_is_told(picture: Image.Image) -> None:
    with pytest.raises(NoGraph, match="no block 9"):
        draw(made_graph(PATH), picture, place=0, blocks=[9], name="bird", kind="png")


# --- asked ------------------------------------------------------------------------------------------------------------


def untrained(ws: Workspace, backbone: str) -> int:
    """A finished run whose model knows nothing yet."""
    from hmgc_core.learning.checkpoints import save_checkpoint
    from hmgc_core.models.catalog import build_model

    config = RunConfig(model="flat", backbone=backbone, image_size=32, epochs=1)
    run_id, (_, tree) = training.queue_run(ws, config), taxonomies.current_taxonomy(ws)
    weights = build_model("flat", tree, config).state_dict()
    folder = ws.run_folder(run_id) / "checkpoint"
    save_checkpoint(folder, config=config, taxonomy=tree, weights=weights, epoch=0, metrics={})
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        jobs.finish(connection, run_id, owner="test", status="done", checkpoint=str(folder), metrics={})
    return run_id


def test_the_inspector_answers_with_every_block_and_the_command_line_writes_the_figure(
    labelled_workspace: Workspace, tmp_path: Path
) -> None:
    ws = labelled_workspace
    run_id = untrained(ws, "pyramid_graphconvnet_ti")
    number = graph.ask_patches(ws, run_id, 2, PATH)
    checkpoints = inspection._Checkpoints(ws)
    assert inspection._answer(ws, checkpoints, questions.inspection(ws, number)) == ("", "")
    found = PatchGraph.from_json(json.loads(graph.patches_json(ws, number)))
    assert list(found.nodes) == PATH and len(found.blocks) == 12 and found.blocks[0].grid == (8, 8)
    assert questions.answer(ws, number) == {"blocks": 12, "shown": list(found.shown)}
    assert graph.figure(ws, number, place=2, blocks=[], kind="png").startswith(b"\x89PNG")

    written = inspection.explain(ws, training.run(ws, run_id), "2", Explaining("albatross"), out=tmp_path / "why")
    assert [path.name for path in written] == ["1-bird.png", "2-albatross.png", "graph.png", "graph.svg"]
    assert "albatross" in texts((tmp_path / "why" / "graph.svg").read_bytes())


def test_a_backbone_without_a_graph_is_told_and_writes_no_figure(
    predicted_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = predicted_workspace
    run_id = untrained(ws, "resnet_mini")
    number = graph.ask_patches(ws, run_id, 2, PATH)
    error, remedy = inspection._answer(ws, inspection._Checkpoints(ws), questions.inspection(ws, number))
    assert "connects no patches" in error and "graphconvnet" in remedy
    written = inspection.explain(ws, training.run(ws, run_id), "2", Explaining("bird"), out=tmp_path / "why")
    assert [path.name for path in written] == ["1-bird.png"]
    page = open_page(monkeypatch, ws, "predictions", run="1", image="2", why="patches")
    assert "resnet_mini sees the picture through filters" in said(page)


def test_a_class_that_the_runs_tree_does_not_have_is_refused(predicted_workspace: Workspace) -> None:
    with pytest.raises(UnknownNode):
        graph.ask_patches(predicted_workspace, 1, 2, ["bird", "unicorn"])
    with pytest.raises(UnknownInspection):
        graph.patches_json(predicted_workspace, 77)


# --- served -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with browser(predicted_workspace, monkeypatch) as client:
        yield client


def test_the_graphs_are_served_compressed_and_whole(client: TestClient, predicted_workspace: Workspace) -> None:
    made = made_graph(PATH)
    number = answer_with(predicted_workspace, graph_run(predicted_workspace), 3, made)
    response = client.get(f"/api/patches/{number}")
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cache-control"] == "private, no-cache"
    back = PatchGraph.from_json(response.json())
    assert np.array_equal(back.blocks[3].neighbours, made.blocks[3].neighbours)
    plain = client.get(f"/api/patches/{number}", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == response.json()
    assert len(gzip.compress(plain.content)) < len(plain.content)


def test_the_figure_is_a_file_to_keep_never_a_page(client: TestClient, predicted_workspace: Workspace) -> None:
    number = answer_with(predicted_workspace, graph_run(predicted_workspace), 3, made_graph(PATH))
    for kind, media_type in (("png", "image/png"), ("svg", "image/svg+xml")):
        response = client.get(f"/api/patches/{number}/figure.{kind}?class=2&blocks=1,4")
        assert response.headers["content-type"].split(";")[0] == media_type
        assert response.headers["content-disposition"] == f'attachment; filename="patches-{number}-2.{kind}"'
        assert response.headers["x-content-type-options"] == "nosniff"
    drawn = texts(response.content)
    assert "black-footed" in drawn and "Block 4 of 4" in drawn and "Block 2 of 4" not in drawn
    usual = texts(client.get(f"/api/patches/{number}/figure.svg").content)
    assert [text for text in usual if text.startswith("Block")] == ["Block 1 of 4", "Block 2 of 4", "Block 3 of 4"]


NOT_THERE = {
    "99": 404,
    "x": 404,
    "..%2f1": 404,
    "99/figure.png": 404,
    "1/figure.exe": 404,
    "1/figure.svg?class=3": 400,
    "1/figure.svg?blocks=5": 400,
    "1/figure.svg?blocks=0": 400,
    "1/figure.svg?blocks=x": 404,
    "1/figure.svg?blocks=" + "1," * 40: 400,
}


def test_what_is_not_there_is_json_with_a_remedy(client: TestClient, predicted_workspace: Workspace) -> None:
    assert answer_with(predicted_workspace, graph_run(predicted_workspace), 3, made_graph(PATH)) == 1
    for path, status in NOT_THERE.items():
        response = client.get(f"/api/patches/{path}")
        assert response.status_code == status, path
        assert response.json().keys() == {"error", "remedy"} and response.json()["remedy"]


def test_a_picture_whose_file_is_gone_has_no_figure_and_says_so(
    client: TestClient, predicted_workspace: Workspace, tmp_path: Path
) -> None:
    number = answer_with(predicted_workspace, graph_run(predicted_workspace), 3, made_graph(PATH))
    for file in (tmp_path / "photos").iterdir():
        file.unlink()
    response = client.get(f"/api/patches/{number}/figure.png")
    assert response.status_code == 404 and "missing" in response.json()["error"]


# --- on screen --------------------------------------------------------------------------------------------------------


def test_the_page_asks_waits_and_draws_what_stands_in_the_address(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = predicted_workspace
    run_id = graph_run(ws)
    address = {"run": str(run_id), "image": "3", "why": "patches"}
    page = open_page(monkeypatch, ws, "predictions", **address)
    assert "The inspector is not running" in said(page)
    assert questions.inspection(ws, 1).question == {"nodes": PATH}

    assert answer_with(ws, run_id, 3, made_graph(PATH)) == 1
    page.query_params["blocks"] = "1,4"
    page.run()
    (drawn,) = [json.loads(one.proto.json) for one in page.get("bidi_component") if "classes" in one.proto.json]
    assert [one["share"] for one in drawn["classes"]] == ["90%", "80%", "70%"]
    assert (drawn["inspection"], drawn["image"], drawn["blocks"], drawn["chosen"]) == (1, 3, "1,4", "")

    # Another class than those of the answer is asked for beside them.
    page.query_params["of"] = "owl"
    page.run()
    assert questions.inspection(ws, 2).question == {"nodes": [*PATH, "owl"]}
    # What the address says of a class that is not there is passed over.
    page.query_params["of"] = "unicorn"
    page.run()
    assert not page.exception and not page.error


def test_graphs_whose_files_are_gone_can_be_asked_for_anew(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = predicted_workspace
    run_id = graph_run(ws)
    number = answer_with(ws, run_id, 3, made_graph(PATH))
    (ws.inspection_folder(number) / "answer.json").unlink()
    page = open_page(monkeypatch, ws, "predictions", run=str(run_id), image="3", why="patches")
    assert "is gone" in page.error[0].value
    next(one for one in page.button if one.label == "Try again").click().run()
    assert questions.inspection(ws, number + 1).status == "queued"


def test_patches_are_counted_row_by_row_and_fields_are_cut_off_at_the_edge() -> None:
    made = made_graph(["bird"])
    assert made.blocks[0].place(7) == (2 / COLUMNS, 1 / ROWS, 1 / COLUMNS, 1 / ROWS)
    pooled = made.blocks[3]
    assert pooled.candidate_grid == (2, 3)
    assert pooled.candidate_place(2) == (4 / COLUMNS, 0, 1 / COLUMNS, 2 / ROWS)
    assert [one.candidate for one in pooled.connected(0)] == [0, 1, 2, 3]
