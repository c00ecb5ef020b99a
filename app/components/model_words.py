"""The models and backbones in one sentence each, for the people who choose."""

MODELS = {
    "flat": "One answer at the finest level. A coarse label counts for every class below it. The honest yardstick.",
    "hrn": "Learns every level at once along the tree. Good with many coarse labels.",
    "hgrnet": "Reads the names of the classes beside the pictures, so it can find one that has no picture yet. "
    "Needs a CLIP as its backbone.",
    "clip_zero_shot": "Goes by the names of the classes alone and learns nothing: answers before the first label. "
    "Needs a CLIP as its backbone.",
}
BACKBONES = {
    "resnet_mini": "small, needs no GPU",
    "resnet18": "medium",
    "resnet34": "larger",
    "resnet50": "large, needs a GPU",
    "wide_resnet50_2": "very large, needs a GPU",
    "clip:tiny": "reads names too, only for trying out",
}


def model(name: str) -> str:
    """What a model is good for."""
    return MODELS.get(name, "See docs/models for what it does.")


def backbone(name: str) -> str:
    """The name of a backbone with its size in words."""
    return f"{name} – {BACKBONES[name]}" if name in BACKBONES else name
