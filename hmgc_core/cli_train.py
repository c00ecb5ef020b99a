"""The verbs of `hmgc` that train: queue, work, watch, stop, go on, measure."""

import shlex
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer
from rich.table import Table

from hmgc_core.cli_settings import takes_settings, written_out
from hmgc_core.errors import BadConfig, HmgcError
from hmgc_core.metrics.words import number
from hmgc_core.records import Run, RunConfig
from hmgc_core.terminal import (
    JsonOption,
    RunArgument,
    WorkspaceOption,
    finished_run,
    open_existing,
    print_json,
    progress,
    remarks,
    screen,
)
from hmgc_core.workflow import heads, labellings, training
from hmgc_core.workflow.workspaces import Workspace


@takes_settings
def train(
    context: typer.Context,
    config: RunConfig,
    freeze_backbone: Annotated[
        bool, typer.Option("--freeze-backbone", help="Learn the head alone, on what an earlier run sees: in seconds.")
    ] = False,
    start_from: Annotated[
        int | None, typer.Option("--from", help="The run to start from, else the newest of this model.", metavar="RUN")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; train here if no worker is running.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a training on the labels as they are now."""
    ws = open_existing(workspace)
    if freeze_backbone or start_from is not None:
        config = _of_a_head(ws, context, config, start_from, freeze_backbone=freeze_backbone)
    run_id = training.queue_run(ws, config)
    if wait:
        from hmgc_core import worker  # noqa: PLC0415 - torch takes seconds to import

        with progress(f"Run {run_id}") as report:
            worker.wait_for(ws, run_id, on_progress=report)
    run = training.run(ws, run_id)
    if as_json:
        print_json({"run": run.id, "status": run.status, "checkpoint": run.checkpoint, "metrics": run.metrics})
    else:
        _tell_run(run)
    if run.status == "failed" or (wait and run.status != "done"):
        raise _not_done(run)


def _not_done(run: Run) -> HmgcError:
    resumes, waits = f"let it go on: `hmgc resume {run.id}`", "it goes on when a worker runs: `hmgc worker`"
    remedy = run.remedy or (resumes if run.can_resume else waits)
    return HmgcError(run.error or f"run {run.id} is {run.state}", remedy=remedy)


def _of_a_head(
    ws: Workspace, context: typer.Context, config: RunConfig, start_from: int | None, *, freeze_backbone: bool
) -> RunConfig:
    """The config of a training of a head: what was not given by name is as in the run it starts from."""
    if not freeze_backbone:
        raise BadConfig("--from names the run whose backbone stays as it is", remedy="give --freeze-backbone with it")
    given: dict[str, Any] = {name: getattr(config, name) for name in written_out(context)}
    if start_from is None:
        sizes = {name: given[name] for name in ("backbone", "image_size") if name in given}
        start = heads.start_for(ws, config.model, **sizes)
    else:
        start = training.run(ws, start_from)
    return replace(heads.config_from(ws, start, model=config.model), **given)


def _tell_run(run: Run) -> None:
    """How it ended, what it remarked, and how good it is."""
    screen.print(f"Run {run.id} is {run.state}.")
    for remark in run.remarks:
        remarks.print(remark, markup=False, highlight=False, soft_wrap=True)
    split = next((split for split in ("test", "val") if run.metrics.get(split)), "")
    accuracy = run.metrics.get(split, {}).get("leaf_accuracy")
    if accuracy is not None:
        screen.print(
            f"{accuracy:.1%} right at the finest level, on the {split} images. `hmgc evaluate {run.id}` tells all."
        )


def relabel(
    protocol: Annotated[str, typer.Option(help=f"How: {', '.join(labellings.PROTOCOLS)}.")],
    coarse: Annotated[str, typer.Option(help="Share that becomes coarser; or one for each level above, as 0.4,0.5.")],
    name: Annotated[str, typer.Option(help="Name of the labelling.")],
    seed: Annotated[int, typer.Option(help="Of the draw of `free`.", min=0)] = 0,
    run: Annotated[int | None, typer.Option(help="Run that says which pictures are hard, for `ambiguous`.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a labelling: the training labels as they are now, some of them coarser."""
    ws = open_existing(workspace)
    with progress("Making labels coarser") as report:
        done = labellings.relabel(
            ws, name=name, protocol=protocol, coarse=_shares(coarse), seed=seed, run=run, on_progress=report
        )
    if as_json:
        print_json(done)
        return
    levels = ", ".join(
        f"{count} at level {level}" if level else f"{count} without a class that people agree on"
        for level, count in done.by_level.items()
    )
    screen.print(f"{number(done.labels, 'label')}, {done.coarser} of them coarser: {levels}.", soft_wrap=True)
    if done.hardness:
        screen.print(f"Hard is: {done.hardness}.", soft_wrap=True)
    place = shlex.join(["--workspace", str(ws.folder.resolve())])
    learn = f"hmgc train MODEL --labelling {shlex.quote(done.name)} {place}"
    screen.print(f"Learn from it: {learn}", markup=False, soft_wrap=True)


def _shares(text: str) -> list[float]:
    try:
        return [float(share) for share in text.split(",")]
    except ValueError as error:
        raise BadConfig(f"{text!r} is no share", remedy="give a number from 0 to 1, or several with commas") from error


def cancel(run: RunArgument, workspace: WorkspaceOption = None) -> None:
    """Ask a training to stop."""
    asked = training.cancel(open_existing(workspace), run)
    screen.print(f"Run {run} was asked to stop." if asked else f"Run {run} had ended already.")


def set_aside(run: RunArgument, workspace: WorkspaceOption = None) -> None:
    """Have a finished run make no suggestions any more: the newest of the others does."""
    ws = open_existing(workspace)
    training.set_aside(ws, run)
    _tell_who_suggests(ws)


def let_suggest(run: RunArgument, workspace: WorkspaceOption = None) -> None:
    """Have a finished run make the suggestions: those after it are set aside."""
    ws = open_existing(workspace)
    training.let_suggest(ws, run)
    _tell_who_suggests(ws)


def _tell_who_suggests(ws: Workspace) -> None:
    now = training.suggesting(training.all_runs(ws))
    screen.print(f"Suggestions come from run {now.id}." if now else "No run makes suggestions.")


def resume(run: RunArgument, workspace: WorkspaceOption = None) -> None:
    """Let a stopped or failed training go on where it was."""
    training.resume(open_existing(workspace), run)
    screen.print(f"Run {run} waits for the worker.")


def runs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the trainings, the newest first."""
    found = training.all_runs(open_existing(workspace))
    if as_json:
        print_json([_run_values(run) for run in found])
        return
    if not found:
        screen.print("No model was trained yet. Train one: `hmgc train MODEL`, or the Train page.", soft_wrap=True)
        return
    table = Table("run", "status", "model", "backbone", "pixels", "progress", "finest level right (test)")
    for run in found:
        accuracy = run.metrics.get("test", {}).get("leaf_accuracy")
        config = run.config
        shown = "–" if accuracy is None else f"{accuracy:.1%}"
        model = ", ".join(filter(None, (config.model, config.what_learned)))
        table.add_row(
            str(run.id), run.state, model, config.backbone, str(config.image_size), f"{run.progress:.0%}", shown
        )
    screen.print(table)
    for run in found:
        if run.error:
            remarks.print(f"run {run.id}: {run.error}", markup=False, highlight=False, soft_wrap=True)


def _run_values(run: Run) -> dict[str, Any]:
    values = asdict(run)
    values["run"] = values.pop("id")
    return values


def evaluate(
    run: RunArgument,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a run on the labels as they are now."""
    ws = open_existing(workspace)
    finished = finished_run(ws, run)
    from hmgc_core import evaluation  # noqa: PLC0415 - torch takes seconds to import

    with progress(f"Measuring run {run}") as report:
        metrics = evaluation.measure(ws, finished, split, on_progress=report)
    if as_json:
        print_json(metrics)
        return
    for name, value in metrics.items():
        screen.print(f"{name}: {_readable(value)}", markup=False, highlight=False)


def _readable(value: Any) -> str:
    """A measure with four digits after the point, a list of them in a row, a dash where nothing was to be measured."""
    if isinstance(value, list):
        return "  ".join(_readable(one) for one in value)
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
