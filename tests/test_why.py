"""Why this answer: heatmaps asked for, answered, made by the worker, sent, saved, and shown on a picture's page."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import label
from PIL import Image
from reading_pages import button, open_page, said
from small_models import answer_all, checkpoint_of, finish_with_model, model_of_a_new_run
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app.components.heat_choices import METHODS
from app.server.middleware import middleware
from app.server.routes import routes
from hmgc_core import worker
from hmgc_core.cli import app
from hmgc_core.errors import BadConfig, HmgcError, UnknownNode
from hmgc_core.heat_pictures import file_name, overlay, under_heat
from hmgc_core.learning.cam import NO_OTHER, counterpart, heatmaps
from hmgc_core.learning.cam_score import score_cam
from hmgc_core.learning.inference import predict
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.records import HEAT_METHODS, Prediction, RunConfig
from hmgc_core.store import inspections, jobs, predictions
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import pictures, questions, tasks, taxonomies, training, why
from hmgc_core.workflow.why import HeatQuestion
from hmgc_core.workflow.workspaces import Workspace

PATH = ("bird", "albatross", "gull-like")


@pytest.fixture
def looked_at(labelled_workspace: Workspace) -> Workspace:
    """Run 1 has a model (untrained), and made-up predictions: image 1 is gull-like, 2 an owl, 3 a tug."""
    ws = labelled_workspace
    config = RunConfig(model="flat", backbone="resnet_mini", image_size=32, epochs=1)
    number = training.queue_run(ws, config)
    tree = taxonomies.current_taxonomy(ws)[1]
    made = []
    for image_id, leaf in ((1, "gull-like"), (2, "owl"), (3, "tug")):
        path = tuple((tree.keys[node], 0.9) for node in tree.path(tree.index(leaf)))
        made.append(Prediction(number, image_id, leaf, 0.9, path, ((leaf, 0.9), ("owl", 0.05), ("tug", 0.02))))
    with ws.writing() as connection:
        predictions.replace_all(connection, number, made)
    finish_with_model(ws, number, config)
    return ws


def pixels(ws: Workspace, image_id: int) -> np.ndarray:
    return decode_pictures([pictures.image(ws, image_id).path], size=32, folder=ws.cache).take([0])[0]


def answer_to(ws: Workspace, run_id: int, image_id: int, question: HeatQuestion) -> tuple[int, dict]:
    number = why.ask_heatmaps(ws, run_id, image_id, question)
    answer_all(ws)
    return number, questions.answer(ws, number)


def colours(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file))


# --- asking -----------------------------------------------------------------------------------------------------------


def test_the_answer_is_the_heat_of_each_class_and_what_is_to_be_said_of_it(looked_at: Workspace) -> None:
    number, answer = answer_to(looked_at, 1, 1, HeatQuestion(PATH))
    checkpoint = checkpoint_of(looked_at, 1)
    tree = checkpoint.taxonomy
    found = heatmaps(checkpoint.model, pixels(looked_at, 1), [tree.index(key) for key in PATH])
    assert [told["node"] for told in answer["maps"]] == list(PATH)
    for place, (told, heat) in enumerate(zip(answer["maps"], found.maps, strict=True)):
        file = questions.answer_file(looked_at, number, f"{place}.png")
        assert np.array_equal(colours(file), np.asarray(overlay(heat)))
        assert told["says"] == ("places" if heat.any() else "nothing")
        assert told["other"] is None and told["grid"] == [4, 4]
    assert answer["layers"] == {"last": [4, 4], "last-1": [8, 8], "last-2": [16, 16]}


def test_the_probabilities_are_those_of_the_predictions(looked_at: Workspace) -> None:
    _, answer = answer_to(looked_at, 1, 1, HeatQuestion(PATH))
    checkpoint = checkpoint_of(looked_at, 1)
    decoded = decode_pictures([pictures.image(looked_at, 1).path], size=32, folder=looked_at.cache)
    (one,) = predict(checkpoint, decoded, device="cpu", top=99)
    leaves = {checkpoint.taxonomy.keys[node]: p for node, p in one.top}
    assert answer["maps"][2]["probability"] == pytest.approx(leaves["gull-like"], abs=1e-3)
    assert answer["maps"][1]["probability"] == pytest.approx(leaves["gull-like"] + leaves["black-footed"], abs=1e-3)


def test_each_level_is_held_against_its_sibling_or_against_the_way_to_another_class(looked_at: Workspace) -> None:
    _, answer = answer_to(looked_at, 1, 1, HeatQuestion(PATH, siblings=True))
    assert [told["other"] for told in answer["maps"]] == ["ship", "owl", "black-footed"]
    _, answer = answer_to(looked_at, 1, 1, HeatQuestion(PATH, against="tug"))
    assert [told["other"] for told in answer["maps"]] == ["ship", "steamer", "tug"]
    _, answer = answer_to(looked_at, 1, 1, HeatQuestion(PATH, against="owl"))
    assert [told["other"] for told in answer["maps"]] == [None, "owl", "owl"]


def test_a_counterpart_is_the_class_of_the_same_level_unless_both_share_it(tiny_tree: Taxonomy) -> None:
    for node in range(1, len(tiny_tree)):
        for other in range(1, len(tiny_tree)):
            path = tiny_tree.path(other)
            depth = tiny_tree.depths[node]
            slow = path[depth - 1] if depth <= len(path) else other
            expected = NO_OTHER if slow == node or slow in tiny_tree.path(node) else slow
            assert counterpart(tiny_tree, node, other) == expected
    assert counterpart(tiny_tree, 3, 0) == counterpart(tiny_tree, 0, 3) == NO_OTHER


@pytest.mark.parametrize("question", [HeatQuestion(PATH, method=method) for method in HEAT_METHODS[1:4]])
def test_another_method_or_layer_is_another_question(looked_at: Workspace, question: HeatQuestion) -> None:
    usual, _ = answer_to(looked_at, 1, 1, HeatQuestion(PATH))
    number, answer = answer_to(looked_at, 1, 1, question)
    assert number != usual and why.ask_heatmaps(looked_at, 1, 1, question) == number
    deeper, told = answer_to(looked_at, 1, 1, HeatQuestion(PATH, method=question.method, layer="last-1"))
    assert deeper != number and told["maps"][0]["grid"] == [8, 8]
    assert len(answer["maps"]) == 3


def test_what_cannot_be_asked_is_named(looked_at: Workspace) -> None:
    for bad in (HeatQuestion(("swan",)), HeatQuestion(PATH, against="swan")):
        with pytest.raises(UnknownNode, match="swan"):
            why.ask_heatmaps(looked_at, 1, 1, bad)
    for method in ("guess", "score-cam"):
        with pytest.raises(BadConfig, match=method):
            why.ask_heatmaps(looked_at, 1, 1, HeatQuestion(PATH, method=method))


# --- by the worker ----------------------------------------------------------------------------------------------------


def test_score_cam_is_made_by_the_worker_and_asked_once(looked_at: Workspace) -> None:
    question = HeatQuestion(PATH, method="score-cam", against="tug")
    assert why.score_cam(looked_at, 1, 1, question) is None
    number = why.ask_score_cam(looked_at, 1, 1, question)
    assert why.ask_score_cam(looked_at, 1, 1, question) == number
    worker.work(looked_at, once=True)
    task = why.score_cam(looked_at, 1, 1, question)
    assert task is not None and (task.id, task.status, task.error) == (number, "done", "")
    checkpoint = checkpoint_of(looked_at, 1)
    tree = checkpoint.taxonomy
    others = [tree.index(key) for key in ("ship", "steamer", "tug")]
    found = score_cam(checkpoint.model, pixels(looked_at, 1), [tree.index(key) for key in PATH], against=others)
    for place, heat in enumerate(found.maps):
        made = colours(tasks.task_folder(looked_at, number) / f"{place}.png")
        np.testing.assert_allclose(made.astype(int), np.asarray(overlay(heat)).astype(int), atol=1)
    assert [told["other"] for told in task.result["maps"]] == ["ship", "steamer", "tug"]


def test_score_cam_of_a_picture_whose_file_is_gone_fails_with_a_remedy(looked_at: Workspace) -> None:
    pictures.image(looked_at, 1).path.unlink()
    number = why.ask_score_cam(looked_at, 1, 1, HeatQuestion(PATH, method="score-cam"))
    worker.work(looked_at, once=True)
    task = tasks.task(looked_at, number)
    assert task.status == "failed" and task.remedy == "put the picture back"


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(looked_at: Workspace, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("HMGC_WORKSPACE", str(looked_at.folder))
    return TestClient(Starlette(routes=routes, middleware=middleware), base_url="http://127.0.0.1:8501")


def test_heat_is_sent_by_its_numbers_alone(client: TestClient, looked_at: Workspace) -> None:
    number, _ = answer_to(looked_at, 1, 1, HeatQuestion(PATH))
    assert client.get(f"/api/questions/{number}").json() == {"status": "done", "there": False}
    assert client.get("/api/questions/99").status_code == client.get("/api/questions/x").status_code == 404
    response = client.get(f"/api/heatmaps/{number}/0")
    assert response.content == questions.answer_file(looked_at, number, "0.png").read_bytes()
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    for path in ("7/1", f"{number}/9", f"{number}/x", "x/0", "task9/0", "tasktask1/0", "..%2f1/0", f"{number}/..%2fx"):
        for ending in ("", "/picture"):
            missing = client.get(f"/api/heatmaps/{path}{ending}")
            assert missing.status_code == 404, path
            assert missing.json().keys() == {"error", "remedy"}


def test_the_picture_under_its_heat_is_a_file_to_keep(client: TestClient, looked_at: Workspace) -> None:
    number, _ = answer_to(looked_at, 1, 1, HeatQuestion(PATH))
    response = client.get(f"/api/heatmaps/{number}/2/picture?strength=1")
    assert response.headers["content-disposition"] == 'attachment; filename="picture-1-gull-like-grad-cam-run-1.png"'
    got = Image.open(io.BytesIO(response.content))
    assert (got.format, got.size, got.mode) == ("PNG", (640, 640), "RGB")
    picture = Image.open(pictures.image(looked_at, 1).path).convert("RGB")
    heat = Image.open(questions.answer_file(looked_at, number, "2.png"))
    assert np.array_equal(np.asarray(got), np.asarray(under_heat(picture, heat, strength=1)))
    none = client.get(f"/api/heatmaps/{number}/2/picture?strength=0").content
    plain = picture.resize((640, 640), Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(none))), np.asarray(plain))
    for strength in ("2", "-1", "nan", "x", ""):
        assert client.get(f"/api/heatmaps/{number}/2/picture?strength={strength}").status_code == 400
    pictures.image(looked_at, 1).path.unlink()
    gone = client.get(f"/api/heatmaps/{number}/2/picture")
    assert gone.status_code == 404 and gone.json()["remedy"]


def test_what_the_worker_made_is_sent_too(client: TestClient, looked_at: Workspace) -> None:
    number = why.ask_score_cam(looked_at, 1, 2, HeatQuestion(("bird",), method="score-cam"))
    worker.work(looked_at, once=True)
    assert client.get(f"/api/heatmaps/task{number}/0").headers["content-type"] == "image/png"
    kept = client.get(f"/api/heatmaps/task{number}/0/picture").headers["content-disposition"]
    assert 'filename="picture-2-bird-score-cam-run-1.png"' in kept


def test_heat_over_a_picture_is_what_alpha_blending_says() -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (900, 700, 3), dtype=np.uint8))
    heat = np.full((4, 4), 1.0, dtype=np.float32)
    got = np.asarray(under_heat(picture, overlay(heat), strength=0.5), dtype=float)
    alpha = 0.8 * 0.5
    expected = (1 - alpha) * np.asarray(picture, dtype=float) + alpha * np.array([255, 245, 120])
    assert got.shape == (900, 700, 3) and np.abs(got - expected).max() <= 2
    assert under_heat(picture.resize((5000, 2)), overlay(heat)).size == (1600, 1)


# --- on the page ------------------------------------------------------------------------------------------------------


def on_page(looked_at: Workspace, monkeypatch: pytest.MonkeyPatch, **address: str) -> AppTest:
    return open_page(monkeypatch, looked_at, "predictions", **{"run": "1", "image": "1", **address})


def tiles(page: AppTest) -> list[dict]:
    found = [json.loads(component.proto.json) for component in page.get("bidi_component")]
    return next((entry["tiles"] for entry in found if "tiles" in entry), [])


def heat(page: AppTest) -> str:
    """Who made the heatmaps that are shown, "" for none."""
    found = [json.loads(component.proto.json) for component in page.get("bidi_component")]
    return next((entry["heat"] for entry in found if "heat" in entry), "")


def drawn(looked_at: Workspace, monkeypatch: pytest.MonkeyPatch, **address: str) -> AppTest:
    page = on_page(looked_at, monkeypatch, **address)
    answer_all(looked_at)
    return page.run()


def test_heatmaps_appear_when_they_are_there_one_per_level(
    looked_at: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = on_page(looked_at, monkeypatch)
    assert "The inspector is not running" in said(page) and not heat(page)
    answer_all(looked_at)
    page.run()
    assert [(tile["name"], tile["place"]) for tile in tiles(page)] == [("bird", 0), ("albatross", 1), ("gull-like", 2)]
    assert heat(page) == "1"


def menus(page: AppTest) -> dict[str, tuple[list[str], str]]:
    """Of each menu, by its label: the texts to choose from, and the chosen one."""
    found = [json.loads(component.proto.json) for component in page.get("bidi_component")]
    offered = next(entry["menus"] for entry in found if "menus" in entry)
    texts = {menu["label"]: [text for _, _, text in menu["options"]] for menu in offered}
    return {menu["label"]: (texts[menu["label"]], texts[menu["label"]][menu["chosen"]]) for menu in offered}


def test_the_address_says_what_is_asked(looked_at: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = drawn(looked_at, monkeypatch, method="layer-cam", layer="last-1", **{"not": "tug"})
    rather = [tile["rather"].partition(",")[0] for tile in tiles(page)]
    assert rather == ["and not ship", "and not steamer", "and not tug"]
    question = {"nodes": list(PATH), "method": "layer-cam", "layer": "last-1", "against": "tug"}
    with looked_at.reading() as connection:
        assert inspections.find(connection, kind="heatmaps", run_id=1, image_id=1, question=question) is not None
    chosen = {label: chosen for label, (_, chosen) in menus(page).items()}
    assert chosen == {
        "Why": "gull-like, the answer",
        "And not": "tug, 2%",
        "Method": "Layer-CAM",
        "Layer": "One block before · 8 × 8 places",
    }
    page = drawn(looked_at, monkeypatch, of="owl", siblings="yes")
    assert [(tile["name"], tile["rather"][:16]) for tile in tiles(page)] == [
        ("bird", "and not ship, 2%"[:13] + tiles(page)[0]["rather"][13:16]),
        ("owl", "and not albatros"),
    ]
    assert menus(page)["Why"][1] == "owl, 5%"
    assert menus(page)["And not"][1] == "each with its strongest sibling"


def test_the_menus_offer_what_the_model_thought_of_and_a_search(
    looked_at: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = menus(drawn(looked_at, monkeypatch))
    assert offered["Why"][0] == ["gull-like, the answer", "owl, 5%", "tug, 2%", "Another class …"]
    assert offered["And not"] == (
        ["compared with nothing", "each with its strongest sibling", "owl, 5%", "tug, 2%", "Another class …"],
        "compared with nothing",
    )
    assert offered["Method"][0] == [METHODS[name][0] for name in HEAT_METHODS]
    assert offered["Layer"][0] == [
        "Last block · 4 × 4 places",
        "One block before · 8 × 8 places",
        "Two before · 16 × 16 places",
    ]
    assert menus(drawn(looked_at, monkeypatch, of="steamer"))["Why"][1] == "steamer"


def test_a_method_that_knows_no_class_says_so_and_shows_one_map(
    looked_at: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = drawn(looked_at, monkeypatch, method="eigen-cam")
    assert [tile["name"] for tile in tiles(page)] == ["What stands out most"]
    found = [json.loads(component.proto.json) for component in page.get("bidi_component")]
    assert any("knows no class" in entry.get("words", "") for entry in found)


def test_a_level_that_both_share_has_nothing_to_compare(looked_at: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = tiles(drawn(looked_at, monkeypatch, **{"not": "owl"}))
    assert first["place"] is None and "nothing to compare" in first["note"]
    assert (second["place"], third["place"]) == (1, 2)


def test_a_map_that_shows_nothing_says_why(looked_at: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = on_page(looked_at, monkeypatch)
    answer_all(looked_at)
    file = questions.answer_file(looked_at, 1, "answer.json")
    answer = json.loads(file.read_text())
    answer["maps"][0]["says"], answer["maps"][1] = (
        "nothing",
        {**answer["maps"][1], "says": "everywhere", "grid": [1, 1]},
    )
    answer["maps"][2]["says"] = "places"
    file.write_text(json.dumps(answer))
    page.run()
    notes = [tile["note"] for tile in tiles(page)]
    assert notes[0] == "Nothing in this picture speaks for bird."
    assert "as one place" in notes[1] and notes[2] == ""


def test_score_cam_begins_with_a_button_and_is_drawn_at_its_end(
    looked_at: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = on_page(looked_at, monkeypatch, method="score-cam")
    assert not heat(page)
    button(page, "Make these heatmaps").click().run()
    worker.work(looked_at, once=True)
    page.run()
    assert heat(page) == "task1" and [tile["name"] for tile in tiles(page)] == list(PATH)


def test_failures_offer_ways_on(looked_at: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = on_page(looked_at, monkeypatch, layer="last-9")
    with looked_at.writing() as connection:
        inspections.finish(connection, 1, error="this model has no layer 'last-9'", remedy="choose one of last")
    page.run()
    assert "no layer 'last-9'" in said(page)
    button(page, "Show the usual heatmaps").click().run()
    assert "layer" not in page.query_params
    answer_all(looked_at)
    assert heat(page.run())
    for address in ({"of": "swan"}, {"not": "swan"}, {"method": "guess"}):
        wrong = on_page(looked_at, monkeypatch, **address)
        assert any(word in wrong.error[0].value for word in ("swan", "guess"))
        button(wrong, "Show the usual heatmaps").click().run()
        assert not wrong.error


def test_an_answer_without_its_files_is_asked_for_again(looked_at: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn(looked_at, monkeypatch)
    questions.answer_file(looked_at, 1, "answer.json").write_text("{}")  # as an earlier version left it
    page = drawn(looked_at, monkeypatch)
    assert heat(page) == "2" and questions.inspection(looked_at, 2).status == "done"


def test_a_model_of_an_older_tree_says_so_and_still_shows(
    looked_at: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is in use now" not in said(drawn(looked_at, monkeypatch))
    edges = [("bird", "life"), ("ship", "life"), ("albatross", "bird"), ("owl", "bird"), ("black-footed", "albatross")]
    edges += [("gull-like", "albatross"), ("steamer", "ship"), ("tug", "steamer"), ("swan", "bird")]
    taxonomies.store_taxonomy(looked_at, Taxonomy.from_edges(edges), source="more.csv")
    page = drawn(looked_at, monkeypatch)
    assert heat(page) and len(tiles(page)) == 3
    assert "learned version 1 of the class tree" in said(page)


def test_the_levels_of_hrn_come_from_their_own_blocks(looked_at: Workspace) -> None:
    number = model_of_a_new_run(looked_at, "hrn")
    _, answer = answer_to(looked_at, number, 1, HeatQuestion(PATH))
    assert list(answer["layers"]) == ["levels", "last", "last-1", "last-2"]


# --- by command -------------------------------------------------------------------------------------------------------


def explain(ws: Workspace, out: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["explain", "1", "1", "--out", str(out), "--workspace", str(ws.folder), *more])
    error = result.exception
    return result.exit_code, f"{error}; {error.remedy}" if isinstance(error, HmgcError) else result.output


def test_explain_writes_one_picture_per_level(looked_at: Workspace, tmp_path: Path) -> None:
    code, _ = explain(looked_at, tmp_path / "usual", "--node", "gull-like")
    assert code == 0
    assert sorted(file.name for file in (tmp_path / "usual").iterdir()) == [
        "1-bird.png",
        "2-albatross.png",
        "3-gull-like.png",
    ]


@pytest.mark.parametrize("method", HEAT_METHODS)
def test_explain_takes_every_method_a_layer_and_another_class(
    looked_at: Workspace, tmp_path: Path, method: str
) -> None:
    more = ("--node", "gull-like", "--method", method, "--layer", "last-1", "--not", "owl")
    code, output = explain(looked_at, tmp_path / method, *more)
    assert code == 0, output
    assert sorted(file.name for file in (tmp_path / method).iterdir()) == [
        "2-albatross-not-owl.png",
        "3-gull-like-not-owl.png",
    ]
    with Image.open(tmp_path / method / "2-albatross-not-owl.png") as picture:
        assert picture.size == (640, 640)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--method", "guess"), ("guess", "grad-cam")),
        (("--layer", "last-9"), ("last-9", "last-2")),
        (("--not", "swan"), ("swan", "nearest keys")),
        (("--node", "gull-like", "--not", "bird"), ("part of the answer", "--not")),
        (("--node", "swan"), ("swan", "nearest keys")),
    ],
)
def test_bad_values_are_named_errors(looked_at: Workspace, tmp_path: Path, more: tuple, words: tuple) -> None:
    code, output = explain(looked_at, tmp_path / "out", *more)
    assert code == 1
    for word in words:
        assert word in output


def test_what_cannot_be_written_is_named(looked_at: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    code, output = explain(looked_at, tmp_path / "out")
    assert code == 1 and "choose another --out" in " ".join(output.split())


@pytest.mark.parametrize("letter", ["a", "ж", "鸟", "/"])
def test_two_long_keys_fit_into_the_name_of_one_file(letter: str, tmp_path: Path) -> None:
    part = file_name(letter * 300)
    assert 0 < len(part.encode()) <= 100 and set(part) <= {letter, "_"}
    (tmp_path / f"12-{part}-not-{part}.png").write_text("")


def test_labels_do_not_change_what_was_asked(looked_at: Workspace) -> None:
    first = why.ask_heatmaps(looked_at, 1, 1, HeatQuestion(PATH))
    label(looked_at, 1, "owl", by="ben")
    assert why.ask_heatmaps(looked_at, 1, 1, HeatQuestion(PATH)) == first
    with looked_at.writing() as connection:
        assert jobs.claim(connection, owner="test", lease_s=60) is None
