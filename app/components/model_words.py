"""The models and backbones in one sentence each, for the people who choose."""

MODELS = {
    "flat": "One answer at the finest level. A coarse label counts for every class below it. The honest yardstick.",
    "hrn": "Learns every level at once along the tree. Good with many coarse labels.",
    "hmgn": "Looks for each class in its own place of the picture, and lets parent and child classes help each other.",
}
BACKBONES = {
    "resnet_mini": "small, needs no GPU",
    "resnet18": "medium",
    "resnet34": "larger",
    "resnet50": "large, needs a GPU",
    "wide_resnet50_2": "very large, needs a GPU",
}


def model(name: str) -> str:
    """What a model is good for."""
    return MODELS.get(name, "See docs/models for what it does.")


def backbone(name: str) -> str:
    """The name of a backbone with its size in words."""
    return f"{name} – {BACKBONES[name]}" if name in BACKBONES else name
