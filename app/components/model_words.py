"""The models and backbones in one sentence each, for the people who choose."""

MODELS = {
    "flat": "One answer at the finest level. A coarse label counts for every class below it. The honest yardstick.",
    "ps": "Like flat, but classes share what they have in common with their relatives. Can help rare classes.",
    "per_level": "One answer per level, each for itself. A coarse label teaches only its level and those above.",
    "soft_margin": "Keeps classes that contradict a label at a distance. Rather stops at a sure class than guesses.",
    "hrn": "Learns every level at once along the tree. Good with many coarse labels.",
    "hrn_logits": "hrn with one step left out, to see what that step does. Its certainties are not capped.",
    "coarse_fine": "A backbone for every level, each handing on to the next finer one. Large and slow.",
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
