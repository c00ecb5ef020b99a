"""The settings of a training as options of the command line, once for all verbs that take them."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Annotated, Any

import typer

from hmgc_core.recipes import DEFAULT
from hmgc_core.records import RunConfig
from hmgc_core.terminal import named_values

FIELDS = {"option": "options", "switch": "switches"}  # where the config calls it otherwise


def _config(
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
    recipe: Annotated[str, typer.Option(help="How labels are learned: plain, balanced or self_taught.")] = DEFAULT,
    switch: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE that differs from the recipe; may repeat.")
    ] = None,
) -> RunConfig:
    """The training that these options ask for. Raises BadConfig for an option or a switch without a value."""
    return RunConfig(
        model=model, backbone=backbone, image_size=image_size, epochs=epochs, batch_size=batch_size, lr=lr,
        weight_decay=weight_decay, label_smoothing=label_smoothing, device=device, seed=seed, labelling=labelling,
        weights=weights, drop_coarse=drop_coarse, options=named_values(option or [], "option"), recipe=recipe,
        switches=named_values(switch or [], "switch"),
    )  # fmt: skip


def takes_settings(verb: Callable[..., None]) -> Callable[..., None]:
    """For the command line the verb has these options beside its own; it gets the training they ask for as `config`."""
    shared, own = signature(_config).parameters, dict(signature(verb).parameters)
    del own["config"]

    @wraps(verb)
    def called(**given: Any) -> None:
        config = _config(**{name: given.pop(name) for name in shared})
        verb(config=config, **given)

    together = sorted([*shared.values(), *own.values()], key=lambda one: one.default is not one.empty)
    called.__signature__ = signature(verb).replace(parameters=together)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in together}
    return called


def written_out(context: typer.Context) -> list[str]:
    """The fields of the config, but for the model, whose options were given in this call."""
    sources = {name: context.get_parameter_source(name) for name in signature(_config).parameters if name != "model"}
    return [FIELDS.get(name, name) for name, source in sources.items() if source and source.name == "COMMANDLINE"]
