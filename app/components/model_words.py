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
    "graphconvnet_ti": "connects parts that look alike; medium, needs a GPU",
    "graphconvnet_s": "connects parts that look alike; large, needs a GPU",
    "pyramid_graphconvnet_ti": "connects parts that look alike, fine and coarse; medium, needs a GPU",
    "pyramid_graphconvnet_s": "connects parts that look alike, fine and coarse; large, needs a GPU",
    "vig_ti": "connects parts that look alike, a simpler kind; medium, needs a GPU",
    "vig_s": "connects parts that look alike, a simpler kind; large, needs a GPU",
    "pyramid_vig_ti": "connects parts that look alike, fine and coarse, a simpler kind; medium, needs a GPU",
    "pyramid_vig_s": "connects parts that look alike, fine and coarse, a simpler kind; large, needs a GPU",
}
# What stands before the name of any net of a library.
FAMILIES = {
    "timm:": "any net of the timm library that looks at pictures place by place",
    "clip:": "a net that learned from pictures with captions; most models use its picture half",
}


def model(name: str) -> str:
    """What a model is good for."""
    return MODELS.get(name, "See docs/models for what it does.")


def backbone(name: str) -> str:
    """The name of a backbone with what it is in words."""
    families = (words for prefix, words in FAMILIES.items() if name.startswith(prefix))
    words = BACKBONES.get(name) or next(families, "")
    return f"{name} – {words}" if words else name
