"""Load backbone weights from a file. A classifier in the file is ignored; anything else must fit exactly."""

from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torchvision
from torch import Tensor

from hmgc_core.errors import WeightsError
from hmgc_core.models.base import Trunk

# The name that asks torchvision for its ImageNet weights instead of a file.
IMAGENET = "imagenet"
CLASSIFIERS = ("fc.", "classifier.", "head.", "heads.")


def load_backbone_weights(trunk: Trunk, backbone: str, weights: str) -> None:
    """Fill `trunk` from a `.safetensors` file, a torch state dict, or "imagenet" (torchvision downloads those).

    The file may be a bare backbone, a whole classifier of the same network, or a checkpoint of ours.
    Raises WeightsError when it is missing, unreadable or does not fit, naming what does not.
    """
    tensors = _fetch_imagenet(backbone) if weights == IMAGENET else _read(Path(weights))
    tensors = trunk.adopt(_backbone_part(tensors))
    wanted = trunk.state_dict()
    problems = [
        f"{name} is missing" for name in wanted if name not in tensors and not name.endswith("num_batches_tracked")
    ]
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
            remedy="choose the backbone the weights were made for; published stems are used above 96 px only",
        )
    trunk.load_state_dict({**wanted, **tensors})


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}", remedy="check the path, or leave it empty")
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


def _fetch_imagenet(backbone: str) -> dict[str, Tensor]:
    try:
        published = torchvision.models.get_model_weights(backbone).DEFAULT
    except ValueError as error:
        raise WeightsError(
            f"torchvision has no ImageNet weights for {backbone!r}",
            remedy="choose a torchvision resnet, or give a file",
        ) from error
    try:
        return dict(published.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"the ImageNet weights of {backbone} could not be fetched from {published.url}: {error}",
            remedy="download that file on a connected machine and give its path as the weights file",
        ) from error
