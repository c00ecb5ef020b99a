"""Find good settings on the Train page: the form, what it asks for, what is shown of a search, and the way on."""

from dataclasses import replace
from typing import Any

import optuna
import pytest
from conftest import label
from reading_pages import button, open_page, said
from streamlit.testing.v1 import AppTest

from app.components import sweep_charts
from hmgc_core.records import RunConfig
from hmgc_core.store import jobs, schema
from hmgc_core.store import sweeps as store
from hmgc_core.workflow import sweeps, tasks, training
from hmgc_core.workflow.sweeps import Sweep, Trial
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=4, batch_size=4, lr=0.05, device="cpu")
FORM = "train.search"


def search_page(monkeypatch: pytest.MonkeyPatch, ws: Workspace, **address: str) -> AppTest:
    return open_page(monkeypatch, ws, "train", way="search", **address)


def field(page: AppTest, kind: str, name: str) -> Any:
    return next(one for one in page.get(kind) if str(one.key).endswith(f"{FORM}.{name}"))


def ended(ws: Workspace, asked: Sweep, status: str = "done", **columns: Any) -> None:
    with ws.writing() as connection:
        assert jobs.claim(connection, owner="me", lease_s=60, of=schema.task) == asked.task.id
        jobs.finish(connection, asked.task.id, owner="me", status=status, of=schema.task, **columns)


@pytest.fixture
def searched(labelled_workspace: Workspace) -> Sweep:
    """A finished search of eight trials, two of them ended early, whose scores are made up."""
    ws = labelled_workspace
    asked = sweeps.ask(ws, SMALL, over=["lr=0.01:0.1", "views=plain|hrn"], trials=8, name="*bold* search")
    study = store.study(ws.folder, asked.name, asked=asked.asked)
    ranges: dict[str, Any] = {
        "lr": optuna.distributions.FloatDistribution(0.01, 0.1, log=True),
        "views": optuna.distributions.CategoricalDistribution(("plain", "hrn")),
    }
    for number in range(8):
        is_pruned = number in (3, 6)
        scores = {epoch: 0.1 * number + 0.01 * epoch for epoch in range(2 if is_pruned else 4)}
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.PRUNED if is_pruned else optuna.trial.TrialState.COMPLETE,
                value=max(scores.values()),
                params={"lr": 0.01 * (number + 1), "views": ("plain", "hrn")[number % 2]},
                distributions=ranges,
                intermediate_values=scores,
                user_attrs={store.WHY: "others were better after epoch 2"} if is_pruned else {},
            )
        )
    study.set_user_attr(store.WEIGHTS, {"views": 0.25, "lr": 0.75})
    ended(ws, asked)
    return sweeps.sweep(ws, asked.name)


def test_the_form_asks_for_the_search_it_says(labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = labelled_workspace
    page = search_page(monkeypatch, ws)
    assert "Find good settings" in said(page) and "What to vary" not in said(page)
    field(page, "multiselect", "over").set_value(["lr", "batch_size"]).run()
    field(page, "number_input", "lr.to.1.0").set_value(0.5).run()
    field(page, "multiselect", "batch_size.among").set_value([32, 64]).run()
    field(page, "number_input", "trials").set_value(3)
    field(page, "number_input", "minutes").set_value(15)
    button(page, "Search").click().run()
    assert not page.exception
    (asked,) = sweeps.all_sweeps(ws)
    assert (asked.trials, asked.minutes, asked.name) == (3, 15.0, "flat-1")
    lr, size = asked.over
    assert (lr.name, lr.low, lr.high, lr.log) == ("lr", 0.003, 0.5, True)
    assert size.choices == (32, 64)
    assert page.query_params["sweep"] == "flat-1"
    assert "Waiting for its turn" in said(page) and "Nothing is tried yet." in said(page)
    page.button(key=f"task-stop-{asked.task.id}").click().run()
    assert sweeps.sweep(ws, "flat-1").task.status == "cancelled"
    assert "stopped before the end" in said(page)


def test_what_cannot_be_asked_is_said_beside_the_button(
    labelled_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = search_page(monkeypatch, labelled_workspace)
    field(page, "number_input", "lr.from.0.003").set_value(2.0).run()
    button(page, "Search").click().run()
    assert "The range of lr from 2 to 1 is empty. Write the smaller number first." in page.error[0].value.replace(
        "\\", ""
    )
    field(page, "multiselect", "over").set_value([]).run()
    button(page, "Search").click().run()
    assert "Nothing is to be varied" in page.error[0].value
    assert sweeps.all_sweeps(labelled_workspace) == []


def test_without_validation_labels_the_remedy_is_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for image in range(1, 13):
        label(workspace, image, ("owl", "tug")[image % 2])
    page = search_page(monkeypatch, workspace)
    button(page, "Search").click().run()
    assert "No validation picture has a label to choose settings by" in page.error[0].value


def test_a_search_shows_its_best_its_figures_and_all_trials(
    labelled_workspace: Workspace, searched: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = search_page(monkeypatch, labelled_workspace)
    text = said(page)
    assert "Best: 73.0%, trial 8: learning rate 0.08; changes to pictures hrn" in text.replace("*", "")
    assert f"flat on resnet_mini, {training.RECIPES[searched.config.recipe].words}, 16 px, 4 epochs each" in text
    titles = (
        "What each trial reached, on validation pictures",
        "What mattered",
        "Learning rate",
        "Changes to pictures",
    )
    assert all(f"**{title}**" in text for title in titles)
    alts = [chart.proto.alt for chart in page.get("plotly_chart")] if page.get("plotly_chart") else []
    assert not alts or "8 trials, 2 of them ended early, and the best so far" in alts
    table = page.dataframe[0].value
    assert list(table["Trial"]) == [str(number) for number in range(8, 0, -1)]
    assert list(table["State"]).count("ended early") == 2
    assert "others were better after epoch 2" in list(table["Remark"])
    assert page.code[0].value.startswith("hmgc train flat --backbone resnet_mini")


def test_the_best_becomes_a_training_by_one_click_and_more_are_tried_by_another(
    labelled_workspace: Workspace, searched: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = labelled_workspace
    page = search_page(monkeypatch, ws)
    button(page, "Train with these settings").click().run()
    assert not page.exception
    (run,) = training.all_runs(ws)
    assert (run.config.lr, run.config.switches["views"]) == (0.08, "hrn")
    assert "Run 1 · flat on resnet_mini" in said(page)  # in progress
    button(page, "Try 10 more").click().run()
    assert not page.exception
    more = sweeps.sweep(ws, searched.name)
    assert (more.task.is_active, more.trials) == (True, 18)
    assert "Try 10 more" not in said(page)


def test_the_address_names_a_search_and_an_unknown_one_is_said(
    labelled_workspace: Workspace, searched: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = labelled_workspace
    newer = sweeps.ask(ws, SMALL, trials=1, name="newer")
    assert page_shows(search_page(monkeypatch, ws), newer.name)
    page = search_page(monkeypatch, ws, sweep=searched.name)
    assert page_shows(page, searched.name)
    page.selectbox(key="train.sweep.box").set_value("newer").run()
    assert page.query_params["sweep"] == "newer"
    page = search_page(monkeypatch, ws, sweep="![x](http://evil.example/x.png)")
    (warned,) = [one.value for one in page.warning if "Part of this link means nothing" in one.value]
    assert "![x](" not in warned  # as text: nothing is fetched
    page = open_page(monkeypatch, ws, "train")
    assert "The search newer goes on" in said(page)
    button(page, "The search newer goes on").click().run()
    assert page_shows(page, "newer")


def page_shows(page: AppTest, name: str) -> bool:
    return bool(page.selectbox(key="train.sweep.box").value == name)


def test_a_search_that_failed_or_whose_file_is_gone_says_so(
    labelled_workspace: Workspace, searched: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = labelled_workspace
    broken = sweeps.ask(ws, replace(SMALL, epochs=2), trials=1, name="broken")
    ended(ws, broken, "failed", error="none of 3 trials could be finished", remedy="begin another search")
    page = search_page(monkeypatch, ws)
    assert "The search broken: None of 3 trials could be finished." in page.error[0].value.replace("\\", "")
    button(page, "Try again").click().run()
    assert tasks.task(ws, broken.task.id + 1).question == broken.task.question
    store._open.clear()
    for file in ws.folder.glob(f"{store.FILE}*"):
        file.unlink()
    page = search_page(monkeypatch, ws, sweep=searched.name)
    assert "is not there" in page.error[-1].value


# --- figures ----------------------------------------------------------------------------------------------------------


def test_the_line_of_the_best_never_falls_and_crosses_are_no_part_of_it(
    labelled_workspace: Workspace, searched: Sweep
) -> None:
    trials = [
        Trial(1, "done", {"lr": 0.01}, 0.5, (0.5,)),
        Trial(2, "pruned", {"lr": 0.02}, 0.9, (0.9,)),
        Trial(3, "done", {"lr": 0.03}, 0.4, (0.4,)),
        Trial(4, "failed", {"lr": 0.04}),
        Trial(5, "done", {"lr": 0.05}, 0.7, (0.7,)),
        Trial(6, "running", {"lr": 0.06}, 0.8, (0.8,)),
    ]
    line, dots, crosses = sweep_charts.history(trials).data
    assert (list(line.x), list(line.y)) == ([1, 3, 5], [0.5, 0.5, 0.7])
    assert (list(dots.x), list(crosses.x)) == ([1, 3, 5], [2])
    lr, views = searched.over
    figure = sweep_charts.against(lr, trials)
    assert [list(one.x) for one in figure.data] == [[0.01, 0.03, 0.05], [0.02]]
    assert figure.layout.xaxis.type == "log"
    assert list(figure.layout.xaxis.tickvals) == [0.01, pytest.approx(0.03), 0.1]
    assert sweep_charts.against(views, trials).layout.xaxis.type == "category"


def test_bars_carry_their_shares_and_names_as_text() -> None:
    figure = sweep_charts.importance({"a": 0.75, "b": 0.25}, {"a": "<b>A</b>"})
    assert [note.text for note in figure.layout.annotations] == ["75%", "&lt;b&gt;A&lt;/b&gt;", "25%", "b"]
