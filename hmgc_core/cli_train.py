"""The verbs of `hmgc` that train: queue, work, watch, stop, go on, measure."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from hmgc_core.errors import HmgcError
from hmgc_core.presence import be_polite, owner_name, present
from hmgc_core.recipes import PLAIN
from hmgc_core.records import Run, RunConfig
from hmgc_core.terminal import (
    JsonOption,
    RunArgument,
    WorkspaceOption,
    finished_run,
    named_values,
    open_existing,
    open_or_make,
    print_json,
    progress,
    remarks,
    screen,
)
from hmgc_core.workflow import training


def train(
    model: Annotated[str, typer.Argument(help="flat, hrn, …")],
    backbone: Annotated[str, typer.Option(help="resnet18, vig_ti, timm:NAME, …")] = RunConfig.backbone,
    image_size: Annotated[int, typer.Option(help="Side of the pictures in pixels.")] = RunConfig.image_size,
    epochs: Annotated[int, typer.Option()] = RunConfig.epochs,
    batch_size: Annotated[int, typer.Option()] = RunConfig.batch_size,
    lr: Annotated[float, typer.Option(help="Peak learning rate; given weights learn at less.")] = RunConfig.lr,
    weight_decay: Annotated[float, typer.Option(help="How strongly weights go to 0.")] = RunConfig.weight_decay,
    label_smoothing: Annotated[float, typer.Option(help="0 to 0.9.")] = RunConfig.label_smoothing,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = RunConfig.device,
    seed: Annotated[int, typer.Option()] = RunConfig.seed,
    labelling: Annotated[str, typer.Option(help="A named set of labels; blank for the current ones.")] = "",
    weights: Annotated[str, typer.Option(help="File with backbone weights, imagenet, or a tag of CLIP.")] = "",
    drop_coarse: Annotated[
        bool, typer.Option("--drop-coarse", help="Leave out labels above the finest level.")
    ] = False,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of this model or backbone; may repeat.")] = None,
    recipe: Annotated[str, typer.Option(help="How labels are learned: plain, balanced or self_taught.")] = PLAIN,
    switch: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE that differs from the recipe; may repeat.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; train here if no worker is running.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a training on the labels as they are now."""
    ws = open_existing(workspace)
    config = RunConfig(
        model=model, backbone=backbone, image_size=image_size, epochs=epochs, batch_size=batch_size, lr=lr,
        weight_decay=weight_decay, label_smoothing=label_smoothing, device=device, seed=seed, labelling=labelling,
        weights=weights, drop_coarse=drop_coarse, options=named_values(option or [], "option"), recipe=recipe,
        switches=named_values(switch or [], "switch"),
    )  # fmt: skip
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
        go_on = (
            f"let it go on: `hmgc resume {run.id}`"
            if run.can_resume
            else "it goes on when a worker runs: `hmgc worker`"
        )
        remedy = run.remedy or go_on
        raise HmgcError(run.error or f"run {run.id} is {run.state}", remedy=remedy)


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


def worker(
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Train what is queued, until Ctrl-C."""
    ws = open_or_make(workspace)
    be_polite()
    with present(ws, "worker", owner_name()):  # from the first moment on: torch takes seconds to import
        from hmgc_core import worker as room  # noqa: PLC0415
    room.work(ws, once=once)


def inspector(workspace: WorkspaceOption = None) -> None:
    """Make heatmaps for the pages, until Ctrl-C."""
    ws = open_or_make(workspace)
    be_polite()
    with present(ws, "inspector", owner_name()):  # from the first moment on: torch takes seconds to import
        from hmgc_core import inspection  # noqa: PLC0415
    inspection.inspect_forever(ws)


def cancel(run: RunArgument, workspace: WorkspaceOption = None) -> None:
    """Ask a training to stop."""
    asked = training.cancel(open_existing(workspace), run)
    screen.print(f"Run {run} was asked to stop." if asked else f"Run {run} had ended already.")


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
        table.add_row(
            str(run.id), run.state, config.model, config.backbone, str(config.image_size), f"{run.progress:.0%}", shown
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
