"""Which weights a run means: a file, or published ones by their name. Fetches nothing and imports no torch."""

from pathlib import Path

from hmgc_core.errors import WeightsError
from hmgc_core.given_paths import given_path

# The word that asks for a backbone's ImageNet weights, instead of a file; torchvision and timm have some.
IMAGENET = "imagenet"
HAVE_IMAGENET = frozenset({"resnet18", "resnet34", "resnet50", "wide_resnet50_2"})


def weights_file(backbone: str, weights: str) -> Path | None:
    """The file of these weights, or None where they are published under that name. Raises WeightsError for neither."""
    path = given_path(weights)
    if path.is_file():
        return path
    if is_published(backbone, weights):
        return None
    if weights == IMAGENET:
        raise WeightsError(
            f"there are no ImageNet weights to fetch for {backbone}",
            remedy="choose one of torchvision's resnets or a timm: net, give a file, or leave it blank; those of a "
            "clip: net have names of their own, such as openai",
        )
    raise WeightsError(f"there is no weights file {path}", remedy="give a file that is there, or leave it blank")


def is_published(backbone: str, weights: str) -> bool:
    """Whether these weights are to be fetched by their name: `imagenet`, or a tag of CLIP's such as `openai`."""
    if weights == IMAGENET:
        return backbone in HAVE_IMAGENET or backbone.startswith("timm:")
    is_tag = weights.replace("_", "").replace("-", "").isalnum()
    return is_tag and backbone.startswith("clip:") and backbone != "clip:tiny"
