"""The command line `hmgc`: each verb in one function, progress on stderr, results on stdout."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from hmgc_core import cli_edit, cli_in, cli_out, cli_sweep, cli_train, cli_work, settings, supervisor
from hmgc_core.errors import BadConfig, HmgcError, WorkspaceError
from hmgc_core.metrics.words import number
from hmgc_core.records import HEAT_METHODS, Run
from hmgc_core.terminal import (
    JsonOption,
    RunArgument,
    WorkspaceOption,
    finished_run,
    open_existing,
    open_or_make,
    open_or_try,
    plain,
    print_json,
    progress,
    remarks,
    screen,
)
from hmgc_core.workflow import health, new_pictures, taxonomies, workspaces
from hmgc_core.workflow.health import Finding
from hmgc_core.workflow.workspaces import Workspace

app = typer.Typer(
    help="Label images at whatever level of a class tree you are sure of, and train on exactly those labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
BENCHMARKS = {path.stem: path for path in sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))}


def main() -> None:
    """Run the command line; an error of ours is one line with its remedy and exit code 1."""
    # Read when torch is loaded: threads that wait for each other sleep. Spinning, two of them beside one other busy
    # program trained at half the speed.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except HmgcError as error:
        _print_error(error)
        sys.exit(1)


def _print_error(error: HmgcError) -> None:
    remarks.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    if error.remedy:
        remarks.print(f"remedy: {error.remedy}", markup=False, highlight=False, soft_wrap=True)


# --- the workspace ----------------------------------------------------------------------------------------------------


@app.command()
def init(
    demo: Annotated[bool, typer.Option("--demo", help="Fill it with the drawn demo set.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make a workspace."""
    folder = workspace or settings.workspace_folder()
    if not demo:
        remarks.print(f"The workspace is ready: {open_or_make(folder).folder}", markup=False)
        return
    with progress("Drawing the demo pictures") as report:
        ws = workspaces.init_demo(folder, on_progress=report)
    remarks.print(f"The demo workspace is ready: {ws.folder}. A first training waits for the worker.", markup=False)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = settings.setting("HMGC_HOST"),
    port: Annotated[int, typer.Option(help="First port to try.")] = int(settings.setting("HMGC_PORT")),
    workspace: WorkspaceOption = None,
) -> None:
    """Run the app, the worker and the inspector until Ctrl-C."""
    ws = open_or_make(workspace)
    for finding in health.at_start(ws):
        remarks.print(f"Attention: {finding.what}: {finding.state}. Remedy: {finding.remedy}.", markup=False)
    supervisor.serve(ws.folder, host=host, first_port=port, say=lambda text: remarks.print(text, markup=False))


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Count anew; follow a moved workspace.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with the workspace and this machine."""
    ws = open_existing(workspace)
    if repair:
        health.repair(ws)
    findings = [*health.doctor(ws), _device_finding()]
    if as_json:
        print_json(findings)
        return
    table = Table("", "what", "state", "remedy")
    for finding in findings:
        table.add_row(
            "!" if finding.remedy else "✓", *(plain(t) for t in (finding.what, finding.state, finding.remedy))
        )
    screen.print(table)


def _device_finding() -> Finding:
    from hmgc_core.learning.devices import pick_device  # noqa: PLC0415 - torch takes seconds to import

    device = pick_device("auto")
    return Finding("device", f"{device.torch_device}{'; ' if device.remark else ''}{device.remark}")


# --- bringing data in -------------------------------------------------------------------------------------------------


@app.command("import-taxonomy")
def import_taxonomy(
    file: Annotated[Path, typer.Argument(help="CSV (child,parent or level1,level2,…), indented .txt or nested .json.")],
    format: Annotated[str, typer.Option(help="edges, levels, indented or json, where the header does not say.")] = "",
    moves: Annotated[Path | None, typer.Option(help="CSV old,new: where dropped classes go.")] = None,
    to_ancestor: Annotated[bool, typer.Option("--to-ancestor", help="Move labels of dropped classes up.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a class tree into use."""
    with open_or_try(workspace, dry_run=dry_run) as ws:
        done = taxonomies.import_taxonomy(
            ws, file, format=format, moves=moves, to_ancestor=to_ancestor, dry_run=dry_run
        )
    for remark in done.remarks:
        remarks.print(remark, markup=False)
    if as_json:
        print_json({name: getattr(done, name) for name in ("nodes", "leaves", "depth", "version", "moved")})
        return
    screen.print(
        f"{done.nodes} classes, {done.leaves} of them at the finest level, "
        f"{number(done.depth, 'level')}; {'nothing has happened yet' if dry_run else f'version {done.version}'}."
    )
    if done.moved:
        screen.print(f"{number(done.moved, 'label')} {'would move' if dry_run else 'moved'}.")


app.command("import-images")(cli_in.import_images)
app.command("undo-import")(cli_in.undo_import)


# --- changing the class tree: see cli_edit ----------------------------------------------------------------------------

app.add_typer(cli_edit.edit, name="edit")


# --- taking data out: see cli_out -------------------------------------------------------------------------------------

app.add_typer(cli_out.export, name="export")
app.command()(cli_out.backup)
app.command()(cli_out.restore)
app.command()(cli_out.report)


# --- training: see cli_train ------------------------------------------------------------------------------------------

app.command()(cli_train.train)
app.command()(cli_train.relabel)
app.command()(cli_work.worker)
app.command()(cli_work.inspector)
app.command()(cli_train.cancel)
app.command()(cli_train.resume)
app.command("set-aside")(cli_train.set_aside)
app.command("let-suggest")(cli_train.let_suggest)
app.command()(cli_train.runs)
app.command()(cli_train.evaluate)


# --- searching for good settings: see cli_sweep -----------------------------------------------------------------------

app.command()(cli_sweep.sweep)
app.command()(cli_sweep.sweeps)
app.command("stop-sweep")(cli_sweep.stop_sweep)


# --- looking ----------------------------------------------------------------------------------------------------------


@app.command()
def predict(
    run: RunArgument,
    images: Annotated[
        list[str] | None, typer.Argument(help="Picture files, or numbers of images in the workspace.")
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Have the worker predict all pictures that came in after the training.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a run sees in pictures; of those that cannot be read, why."""
    ws = open_existing(workspace)
    finished = finished_run(ws, run)
    if new:
        _predict_new(ws, finished, as_json=as_json)
    if not images:
        if new:
            return
        raise BadConfig("no picture is named", remedy="name files or numbers of images, or say --new")
    from hmgc_core import inspection  # noqa: PLC0415 - torch takes seconds to import

    answers, problems = inspection.predict(ws, finished, images)
    (print_json if as_json else _print_answers)(answers)
    for problem in problems:
        _print_error(problem)
    if problems:
        raise typer.Exit(1)


def _predict_new(ws: Workspace, run: Run, *, as_json: bool) -> None:
    """Leave the pictures that came in after the training to the worker."""
    count = len(new_pictures.lacking(ws, run.id))
    if count:
        new_pictures.ask(ws, run.id)
    if as_json:
        print_json({"run": run.id, "new": count})
    elif count:
        waiting = f"{number(count, 'new image')} will be predicted by the worker, the app's or `hmgc worker --once`."
        screen.print(waiting, soft_wrap=True)
    else:
        screen.print(f"Run {run.id} has a prediction for every image.")


def _print_answers(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        steps = zip(answer["names"], answer["probabilities"], strict=True)
        path = " › ".join(f"{name} ({probability:.0%})" for name, probability in steps)
        screen.print(f"{answer['image']}: {path}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def explain(
    run: RunArgument,
    image: Annotated[str, typer.Argument(help="A picture file, or the number of an image in the workspace.")],
    out: Annotated[Path, typer.Option(help="Folder for the heatmaps.")],
    node: Annotated[str, typer.Option(help="Explain this class instead of the best answer.")] = "",
    method: Annotated[str, typer.Option(help=f"How: {', '.join(HEAT_METHODS)}.")] = HEAT_METHODS[0],
    layer: Annotated[
        str, typer.Option(help="Where: last, last-1, last-2, ..., or levels; else as the model likes.")
    ] = "",
    against: Annotated[str, typer.Option("--not", help="Explain why it is not this class.", metavar="KEY")] = "",
    workspace: WorkspaceOption = None,
) -> None:
    """Write one heatmap per level of the answer: where the run looked."""
    ws = open_existing(workspace)
    finished = finished_run(ws, run)
    from hmgc_core import inspection  # noqa: PLC0415 - torch takes seconds to import

    how = inspection.Explaining(node=node, method=method, layer=layer, against=against)
    for path in inspection.explain(ws, finished, image, how, out=out):
        screen.print(str(path), markup=False, soft_wrap=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def benchmark(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"Which one: {', '.join(BENCHMARKS) or 'none is installed'}.")],
    as_json: JsonOption = False,
) -> None:
    """Run one of the benchmarks of a checkout. What it is told beside its name goes on to it, as `models --report`.

    What each of them takes: `benchmark models -- --help`.
    """
    if not BENCHMARKS:
        raise WorkspaceError("the benchmarks are not installed", remedy="run this in a checkout of the project")
    if name not in BENCHMARKS:
        raise WorkspaceError(f"there is no benchmark {name!r}", remedy=f"choose one of {', '.join(BENCHMARKS)}")
    import subprocess  # noqa: PLC0415

    given = [*(["--json"] if as_json else []), *context.args]
    raise typer.Exit(subprocess.call([sys.executable, str(BENCHMARKS[name]), *given]))  # noqa: S603
