"""Load backbone weights, from a file or published ones. A classifier among them is ignored, tables of positions are
resized with a remark; anything else must fit exactly.
"""

from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torchvision
from torch import Tensor

from hmgc_core.errors import WeightsError
from hmgc_core.models.backbones.borrowed import BorrowedTrunk
from hmgc_core.models.backbones.positions import resized_map, resized_rows
from hmgc_core.models.backbones.torchvision_nets import ResNetTrunk
from hmgc_core.models.base import Trunk
from hmgc_core.models.given_weights import weights_file

CLASSIFIERS = ("fc.", "classifier.", "head.", "heads.")
# What a file may leave out: counters that nothing reads, and the colours of a trunk, which are ours.
OPTIONAL = ("num_batches_tracked", "colours.scale", "colours.shift")
POSITIONS = ("pos_embed", "positional_embedding")
TOKENS_BEFORE_CELLS = (0, 1, 2, 5)  # in a transformer's table: class token, distillation token, registers


def load_backbone_weights(trunk: Trunk, backbone: str, weights: str) -> None:
    """Fill `trunk` from a `.safetensors` file, a torch state dict, or published ones: "imagenet", or a tag of CLIP's.

    The file may be a bare backbone, a whole classifier of the same network, or a checkpoint of ours. What people should
    know of it is added to `trunk.remarks`; it is `pretrained` then. Raises WeightsError when the file is missing,
    unreadable, cannot be fetched or does not fit, naming what does not.
    """
    path = weights_file(backbone, weights)
    tensors = _read(path) if path else _fetch(trunk, backbone, weights)
    tensors = _with_fitting_positions(trunk.adopt(_backbone_part(tensors)), trunk)
    wanted = trunk.state_dict()
    problems = [f"{name} is missing" for name in wanted if name not in tensors and not name.endswith(OPTIONAL)]
    problems += [f"{name} is not part of it" for name in tensors if name not in wanted]
    problems += [
        f"{name} is {tuple(tensor.shape)} in the file and {tuple(wanted[name].shape)} in the backbone"
        for name, tensor in tensors.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise WeightsError(
            f"the weights {weights!r} do not fit {backbone}: {shown}",
            remedy=_where_they_fit(trunk),
        )
    trunk.load_state_dict({**wanted, **tensors})
    trunk.pretrained = True


def _where_they_fit(trunk: Trunk) -> str:
    fit = "choose the backbone and the picture size that the weights were made for"
    return f"{fit}: up to 96 px this one has another first layer" if isinstance(trunk, ResNetTrunk) else fit


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise a dozen types on damaged files
        raise WeightsError(
            f"the weights file {path} cannot be read ({type(error).__name__}): it holds no weights, or is damaged",
            remedy="give a .safetensors file, or a state dict saved with torch.save",
        ) from error
    tensors = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    if not tensors or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise WeightsError(f"the weights file {path} holds no state dict", remedy="save `model.state_dict()` instead")
    return tensors


def _backbone_part(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefix of a wrapper, without a classifier; of one of our checkpoints only the trunk."""
    for prefix in ("module.", "trunk."):
        inside = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        tensors = inside or tensors
    return {name: value for name, value in tensors.items() if not name.startswith(CLASSIFIERS)}


def _with_fitting_positions(tensors: dict[str, Tensor], trunk: Trunk) -> dict[str, Tensor]:
    """Tables of positions that were made for another picture size, resized to the trunk's."""
    fitting = dict(tensors)
    for name, wanted in trunk.state_dict().items():
        given = tensors.get(name)
        if given is None or given.shape == wanted.shape or not name.endswith(POSITIONS):
            continue
        resized = _resized_positions(given, wanted.shape)
        if resized is not None:
            fitting[name] = resized
            trunk.remarks.append("the weights were made for another picture size; their table of positions was resized")
    return fitting


def _resized_positions(table: Tensor, shape: torch.Size) -> Tensor | None:
    """A table (1, C, h, w), or (.., tokens + h*h, C), for a map of another size; None where it is of something else."""
    if table.ndim == len(shape) == 4 and table.shape[:2] == shape[:2]:
        return resized_map(table.float(), shape[2], shape[3])
    if table.ndim != len(shape) or table.ndim not in (2, 3) or table.shape[-1] != shape[-1]:
        return None
    for tokens in TOKENS_BEFORE_CELLS:
        old, new = (round(max(0, length - tokens) ** 0.5) for length in (table.shape[-2], shape[-2]))
        if old and new and (old * old + tokens, new * new + tokens) == (table.shape[-2], shape[-2]):
            return resized_rows(table.float().reshape(-1, shape[-1]), new, new, tokens).reshape(shape)
    return None


def _fetch(trunk: Trunk, backbone: str, weights: str) -> dict[str, Tensor]:
    return trunk.fetch(weights) if isinstance(trunk, BorrowedTrunk) else _fetch_imagenet(backbone)


def _fetch_imagenet(backbone: str) -> dict[str, Tensor]:
    published = torchvision.models.get_model_weights(backbone).DEFAULT
    try:
        return dict(published.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"the ImageNet weights of {backbone} could not be fetched from {published.url}: {error}",
            remedy="download that file on a connected machine and give its path as the weights file",
        ) from error
