"""Training and runs on screen: what is queued, stopped, told and compared."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from reading_pages import button, open_page, said, with_failed_run

from app.components import charts, metric_words, run_detail, wording
from hmgc_core import report
from hmgc_core.metrics import evaluate, unseen_metrics
from hmgc_core.models import options
from hmgc_core.models.options import Option
from hmgc_core.records import EpochMetrics, Run, RunConfig
from hmgc_core.store import jobs, predictions, runs
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

# --- training and runs ------------------------------------------------------------------------------------------------


def test_the_train_page_queues_what_was_chosen(labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, labelled_workspace, "train")
    assert page.selectbox(key="train.model").value == "flat"  # what did best is what comes by itself
    assert page.selectbox(key="train.recipe").value == "balanced"
    page.selectbox(key="train.backbone").set_value("resnet_mini")
    page.number_input(key="train.epochs").set_value(3)
    button(page, "Start training").click().run()
    assert not page.exception
    (run,) = training.all_runs(labelled_workspace)
    assert (run.status, run.config.model, run.config.backbone, run.config.epochs) == (
        "queued",
        "flat",
        "resnet_mini",
        3,
    )
    assert "The worker is not running" in said(page)


def test_a_models_own_options_are_asked_and_kept(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        options.OPTIONS,
        "flat",
        (
            Option("share", default=False, words="One backbone for all", help=""),
            Option("margin", default=5.0, words="Margin", help="", low=0),
            Option("window", default="around", words="Compared with", help="", choices=("above", "around")),
            Option("vectors", default="", words="File of word vectors", help=""),
        ),
    )
    page = open_page(monkeypatch, labelled_workspace, "train")
    page.selectbox(key="train.model").set_value("flat")
    page.selectbox(key="train.backbone").set_value("resnet_mini").run()
    page.checkbox(key="train.flat.resnet_mini.share").check()
    page.selectbox(key="train.flat.resnet_mini.window").set_value("above")
    page.number_input(key="train.flat.resnet_mini.margin").set_value(2.5)
    button(page, "Start training").click().run()
    (run,) = training.all_runs(labelled_workspace)
    assert run.config.options == {"share": True, "margin": 2.5, "window": "above", "vectors": ""}
    assert run_detail.settings_of(run)["window"] == "Compared with" and run_detail.said(run, "window") == "above"
    page = open_page(monkeypatch, labelled_workspace, "train")  # the next form is filled in like it
    assert page.selectbox(key="train.flat.resnet_mini.window").value == "above"


def test_a_model_that_reads_names_is_offered_clips_only(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, labelled_workspace, "train")
    page.selectbox(key="train.model").set_value("hgrnet").run()
    offered = page.selectbox(key="train.reading.backbone")
    assert offered.value.startswith("clip:") and all(option.startswith("clip:") for option in offered.options)
    offered.set_value("clip:tiny").run()
    page.select_slider(key="train.image_size").set_value(32)
    button(page, "Start training").click().run()
    (run,) = training.all_runs(labelled_workspace)
    assert (run.config.model, run.config.backbone) == ("hgrnet", "clip:tiny")
    assert (
        open_page(monkeypatch, labelled_workspace, "train").selectbox(key="train.reading.backbone").value == "clip:tiny"
    )


def test_a_number_out_of_range_is_refused_where_it_was_given(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, labelled_workspace, "train")
    page.number_input(key="train.batch_size").set_value(5000)
    button(page, "Start training").click().run()
    assert "from 2 to 4096" in page.error[0].value
    assert training.all_runs(labelled_workspace) == []


def test_the_train_page_leaves_coarse_labels_out_where_asked(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, labelled_workspace, "train")
    page.checkbox(key="train.drop_coarse").check()
    button(page, "Start training").click().run()
    assert not page.exception
    (run,) = training.all_runs(labelled_workspace)
    assert run.config.drop_coarse and run_detail.said(run, "drop_coarse") == "yes"


def test_a_setting_that_cannot_be_is_told_as_a_message(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, labelled_workspace, "train")
    page.text_input(key="train.weights").set_value("/nowhere.pt")
    button(page, "Start training").click().run()
    assert not page.exception
    assert "no weights file" in page.error[0].value
    assert training.all_runs(labelled_workspace) == []


def test_a_waiting_run_is_stopped(labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = training.queue_run(labelled_workspace, RunConfig(model="flat", backbone="resnet_mini"))
    page = open_page(monkeypatch, labelled_workspace, "train")
    page.button(key=f"stop-{run_id}").click().run()
    assert training.run(labelled_workspace, run_id).status == "cancelled"
    assert not any(found.label == "Stop" for found in page.button)
    assert "The last training" in said(page)
    button(page, "Go on")
    assert "The first training is stopped" in said(open_page(monkeypatch, labelled_workspace, "predictions"))
    page = open_page(monkeypatch, labelled_workspace, "runs", run=str(run_id))
    button(page, "Go on").click().run()
    assert training.run(labelled_workspace, run_id).status == "queued"


def test_while_the_first_model_is_trained_the_predictions_page_says_so(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No model was trained yet" in said(open_page(monkeypatch, labelled_workspace, "predictions"))
    training.queue_run(labelled_workspace, RunConfig(model="flat", backbone="resnet_mini"))
    told = said(open_page(monkeypatch, labelled_workspace, "predictions"))
    assert "The first model is being trained" in told and "Waiting for its turn" in told
    assert "No model was trained yet" not in told


def test_the_train_form_is_filled_in_like_the_newest_run(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    training.queue_run(labelled_workspace, RunConfig(model="flat", backbone="resnet_mini", image_size=40, epochs=7))
    page = open_page(monkeypatch, labelled_workspace, "train")
    assert page.selectbox(key="train.model").value == "flat"
    assert page.selectbox(key="train.backbone").value == "resnet_mini"
    assert page.number_input(key="train.epochs").value == 7
    assert "Filled in like run 1" in said(page)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"status": "queued"}, "Waiting for its turn"),
        ({"status": "queued", "progress": 0.7}, "Waiting for its turn, goes on at 70%"),
        ({"status": "running", "stage": "epoch 3", "progress": 0.3, "left_s": 60}, "Epoch 3, about 60 s left"),
        ({"status": "running", "stage": "predicting, 5 of 9", "progress": 1.0}, "Predicting, 5 of 9"),
        ({"status": "running", "cancel_requested": True}, "Stopping after the current step; its state is kept"),
    ],
)  # fmt: skip
def test_how_far_a_run_is_in_words(state: dict[str, object], words: str) -> None:
    run = Run(1, RunConfig(), "queued", taxonomy=1, last_annotation_id=0, created_at=datetime.now(UTC))
    assert wording.how_far(replace(run, **state)) == words  # type: ignore[arg-type]


def test_a_failed_run_tells_its_error_and_remedy(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, with_failed_run(predicted_workspace), "runs", run="2")
    assert page.error[0].value.replace("\\", "") == "No memory left. Choose fewer."


def test_a_failed_run_stays_in_sight_and_its_settings_are_not_repeated(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, with_failed_run(predicted_workspace), "train")
    assert page.error[0].value.replace("\\", "") == "No memory left. Choose fewer."
    assert "Filled in like run 1" in said(page)


def test_a_finished_run_shows_its_figures_with_their_exact_names(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(monkeypatch, with_failed_run(predicted_workspace), "runs", run="1")
    assert page.metric[0].label == "Finest level right"
    assert page.metric[0].value == "90%"
    assert "leaf_accuracy" in page.dataframe[1].value["Exact name"].tolist()
    assert len(page.get("plotly_chart")) == 3
    assert "The curves jump after" not in said(page)  # its pictures are small from the start


def test_the_page_of_a_run_explains_its_curves(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[RunConfig] = []
    monkeypatch.setattr(report, "why_curves_jump", lambda config: asked.append(config) or "Pictures grew there.")
    assert "Pictures grew there." in said(open_page(monkeypatch, with_failed_run(predicted_workspace), "runs", run="1"))
    assert {config.image_size for config in asked} == {16}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"image_size": 64}, "after 60% and 85% of the steps"),
        ({"image_size": 36}, "after 85% of the steps"),
        ({"image_size": 32}, ""),
        ({"image_size": 64, "freeze_backbone": True}, ""),
        ({"image_size": 64, "epochs": 1}, ""),
    ],
)
def test_curves_that_jump_are_explained(changes: dict[str, object], told: str) -> None:
    config = replace(RunConfig(model="flat", backbone="resnet_mini"), **changes)
    assert told in report.why_curves_jump(config) if told else not report.why_curves_jump(config)


def test_two_runs_stand_side_by_side(predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(monkeypatch, with_failed_run(predicted_workspace), "runs", run="1", **{"with": "2"})
    table = page.dataframe[-1].value
    assert list(table.columns) == ["Setting", "Run 1", "Run 2"]
    assert table.set_index("Setting").loc["Model"].tolist() == ["flat", "hrn"]


def test_the_curves_of_two_runs_are_drawn_together(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = with_worse_run(predicted_workspace, [])
    with ws.writing() as connection:
        for run_id, shares in ((1, [0.2, 0.4, 0.5]), (2, [0.3, 0.6])):
            for epoch, share in enumerate(shares):
                measured = EpochMetrics(epoch, 2 - share, 9.0, 0.0, {"leaf_accuracy": share})
                runs.add_epoch(connection, run_id, measured)
    page = open_page(monkeypatch, ws, "runs", run="1", **{"with": "2"})
    right, loss = (json.loads(chart.proto.spec)["data"] for chart in page.get("plotly_chart"))
    assert [(line["name"], line["y"]) for line in right] == [("Run 1", [0.2, 0.4, 0.5]), ("Run 2", [0.3, 0.6])]
    assert [line["x"] for line in loss] == [[1, 2, 3], [1, 2]]


def with_worse_run(ws: Workspace, missed: Iterable[int]) -> Workspace:
    """Run 2 beside run 1: the same answers, but for these pictures that of the picture two further on."""
    ids = list(range(1, 25))
    finished(ws, {"leaf_accuracy": 0.5})
    with ws.writing() as connection:
        made = predictions.get_many(connection, 1, ids)
        taken = {image_id: made[(image_id + 1) % 24 + 1 if image_id in missed else image_id] for image_id in ids}
        answers = [replace(answer, run_id=2, image_id=image_id) for image_id, answer in taken.items()]
        predictions.replace_all(connection, 2, answers)
    return ws


@pytest.mark.parametrize(
    ("run", "missed", "told"),
    [
        (
            "2",
            [],
            "**Which is better is not clear.** Of 4 test pictures, 0 are right in run 2 alone, 0 in run 1 alone.",
        ),
        (
            "2",
            range(17, 21),
            "**Run 1 is better than run 2, by 100.0 points.** Of 4 test pictures, 0 are right in run 2",
        ),
        (
            "1",
            range(17, 21),
            "**Run 1 is better than run 2, by 100.0 points.** Of 4 test pictures, 4 are right in run 1",
        ),
        ("1", [5, 6, 7, 20], "**Which is better is not clear.** Of 4 test pictures, 1 is right in run 1 alone"),
    ],
)
def test_two_runs_side_by_side_say_which_is_better(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, run: str, missed: Iterable[int], told: str
) -> None:
    ws = with_worse_run(predicted_workspace, missed)
    other = {"1": "2", "2": "1"}[run]
    assert told in said(open_page(monkeypatch, ws, "runs", run=run, **{"with": other}))


def test_what_both_runs_measured_is_compared_group_by_group(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = predicted_workspace
    measured = {"leaf_accuracy": 0.8, "severity": 1.5, "average_prc": 0.5, "ac_info": None}
    for share in (0.8, 0.6):
        run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini"))
        with ws.writing() as connection:
            jobs.claim(connection, owner="test", lease_s=60)
            metrics = {"test": {**measured, "leaf_accuracy": share}}
            jobs.finish(connection, run_id, owner="test", status="done", metrics=metrics)
    page = open_page(monkeypatch, ws, "runs", run="3", **{"with": "2"})
    assert not page.exception
    tables = [found.value for found in page.dataframe if "Run 3 is" in found.value]
    assert [table["Exact name"].tolist() for table in tables] == [["leaf_accuracy"], ["severity"], ["average_prc"]]
    assert tables[0]["Run 3 is"].tolist() == ["-20.0 points, worse"]
    for about in list(metric_words.GROUPS)[:3]:
        assert f"**{about}**, on the test pictures" in said(page)


def finished(ws: Workspace, measured: dict[str, float], **config: object) -> int:
    """A run that ended with these figures of the test pictures; no model."""
    run_id = training.queue_run(ws, RunConfig(model="flat", backbone="resnet_mini", **config))  # type: ignore[arg-type]
    with ws.writing() as connection:
        jobs.claim(connection, owner="test", lease_s=60)
        jobs.finish(connection, run_id, owner="test", status="done", metrics={"test": measured})
    return run_id


def test_the_last_training_says_whether_it_got_better(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = labelled_workspace
    finished(ws, {"images": 900, "leaf_accuracy": 0.5, "full_path_accuracy": 0.4, "severity": 1.5})
    finished(ws, {"images": 900, "leaf_accuracy": 0.8, "full_path_accuracy": 0.4, "severity": 2.0})
    page = open_page(monkeypatch, ws, "train")
    shown = {found.label: found for found in page.metric}
    better, same, steps = (
        shown[name] for name in ("Finest level right", "Every level right", "How far off mistakes are")
    )
    assert better.delta == "+30.0 points" and "Against run 1; one picture of 900 is 0.1 points" in said(page)
    assert (same.delta, steps.delta) == ("", "+0.50 steps")
    finished(ws, {"images": 900, "leaf_accuracy": 0.78})
    (slightly_worse,) = open_page(monkeypatch, ws, "train").metric
    assert slightly_worse.delta == "-2.0 points"
    assert better.proto.color != slightly_worse.proto.color == steps.proto.color  # grey: it may be chance
    finished(ws, {"images": 10, "leaf_accuracy": 0.9})  # on other pictures
    assert [found.delta for found in open_page(monkeypatch, ws, "train").metric] == [""]


@pytest.mark.parametrize(
    ("one", "other", "images", "is_clear"),
    [
        (0.5, 0.6, 100, False),
        (0.5, 0.6, 400, True),
        (0.76, 0.77, 145, False),
        (1.0, 1.0, 5, False),
        (0.2, 0.9, 0, False),
    ],
)
def test_a_difference_is_clear_where_chance_would_hardly_make_it(
    one: float, other: float, images: int, is_clear: bool
) -> None:
    first, second = (metric_words.figures({"leaf_accuracy": share})[0] for share in (one, other))
    assert first.is_clear(second, images) is second.is_clear(first, images) is is_clear


def test_an_unknown_run_in_the_address_is_said_to_be_unknown(
    predicted_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        "no run 77" in open_page(monkeypatch, with_failed_run(predicted_workspace), "runs", run="77").warning[0].value
    )


def test_figures_are_named_for_people_and_nothing_is_made_up() -> None:
    found = metric_words.figures(
        {"leaf_accuracy": 0.913, "level_accuracy": [0.99, None], "severity": 1.5, "unheard_of": 1}
    )
    assert [(figure.name, figure.exact, figure.text) for figure in found] == [
        ("Finest level right", "leaf_accuracy", "91%"),
        ("Level 1 right", "level_accuracy[1]", "99%"),
        ("Level 2 right", "level_accuracy[2]", "–"),
        ("How far off mistakes are", "severity", "1.50 steps"),
    ]


def test_every_measure_has_words_and_stands_in_one_group(tiny_tree: Taxonomy) -> None:
    targets = tiny_tree.leaves
    measured = {
        **evaluate(tiny_tree, targets, tiny_tree.is_ancestor[:, targets].T.astype(float), targets),
        **unseen_metrics(tiny_tree, targets, targets, targets[1:].tolist()),
    }
    assert metric_words.MEASURES.keys() == measured.keys() - {"answers"}
    assert sum(len(group) for group in metric_words.GROUPS.values()) == len(metric_words.MEASURES)
    grouped = metric_words.by_group(metric_words.figures(measured))
    assert list(grouped) == list(metric_words.GROUPS)
    assert [figure.exact for figure in grouped["How much it tells"]] == [
        "info_recall_at_95",
        "ac_info",
        "coverage",
        "mean_info",
    ]
    per_level = metric_words.figures({"ac_info": 0.5, "coverage": None, "mean_info": None})
    assert [figure.exact for figure in per_level] == ["ac_info"]
    assert metric_words.by_group(per_level) == {"How much it tells": per_level}


def test_the_document_names_every_measure_as_the_screen_does() -> None:
    told = (Path(__file__).parents[1] / "docs/metrics.md").read_text()
    for about, group in metric_words.GROUPS.items():
        assert f"## {about}" in told
        for exact, measure in group.items():
            assert f"- `{exact}`, *{measure.name.replace('{}', '1, 2, …')}*: " in told


def test_nearly_is_not_said_to_be_all_or_nothing() -> None:
    assert [wording.percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0%", "<1%", "50%", ">99%", "100%"]


def test_markup_in_a_chart_label_is_text() -> None:
    assert charts.as_plain("<b>x</b> & $y$") == "&lt;b&gt;x&lt;/b&gt; &amp; &#36;y&#36;"
