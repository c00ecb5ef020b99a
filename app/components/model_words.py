"""The models and backbones in one sentence each, for the people who choose."""

MODELS = {
    "flat": "One answer at the finest level. A coarse label counts for every class below it. Begin with it.",
    "ps": "Like flat, but classes share what they have in common with their relatives. Can help rare classes.",
    "per_level": "One answer per level, each for itself. A coarse label teaches only its level and those above.",
    "soft_margin": "Keeps classes that contradict a label at a distance. Rather stops at a sure class than guesses.",
    "hrn": "Learns every level at once along the tree. Made for backbones with weights; without them it finds less.",
    "hrn_logits": "hrn with one step left out, to see what that step does. Its certainties are not capped.",
    "coarse_fine": "A backbone for every level, each handing on to the next finer one. Large and slow.",
    "hmgn": "Looks for each class in its own place of the picture, and lets parent and child classes help each other.",
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
    "graphconvnet_ti": "medium; connects alike parts",
    "graphconvnet_s": "large, needs a GPU; connects alike parts",
    "pyramid_graphconvnet_ti": "medium; connects alike parts, fine to coarse",
    "pyramid_graphconvnet_s": "large, needs a GPU; connects alike parts, fine to coarse",
    "vig_ti": "medium; connects alike parts, simpler",
    "vig_s": "large, needs a GPU; connects alike parts, simpler",
    "pyramid_vig_ti": "medium; connects alike parts, fine to coarse, simpler",
    "pyramid_vig_s": "large, needs a GPU; connects alike parts, fine to coarse, simpler",
}
# What stands before the name of any net of a library.
FAMILIES = {
    "timm:": "a net of the timm library",
    "clip:": "learned from pictures with captions, if weights are given",
}


def model(name: str) -> str:
    """What a model is good for."""
    return MODELS.get(name, "See docs/models for what it does.")


def backbone(name: str) -> str:
    """The name of a backbone with what it is in words."""
    families = (words for prefix, words in FAMILIES.items() if name.startswith(prefix))
    words = BACKBONES.get(name) or next(families, "")
    return f"{name} – {words}" if words else name
