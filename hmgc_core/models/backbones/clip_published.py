"""What is published of CLIPs: which weights there are for an architecture, and for which of two activations."""

from typing import Any

import open_clip

from hmgc_core.errors import WeightsError, nearest_names

# `clip:tiny`, for trying out on two processor cores; nobody has published weights for it.
TINY: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 32, "layers": 3, "width": 64, "head_width": 32, "patch_size": 4},
    "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}


def published_weights(name: str, tag: str) -> dict[str, Any]:
    """What open_clip knows of the weights `tag` of its architecture `name`: where they are, and their colours.

    Raises WeightsError where there are none, or where they were trained with another activation (QuickGELU or not).
    """
    published: dict[str, Any] = open_clip.get_pretrained_cfg(name, tag)
    if not published:
        tags = ", ".join(nearest_names(tag, open_clip.list_pretrained_tags_by_model(name), 5))
        raise WeightsError(
            f"clip:{name} has no weights {tag!r}, and there is no such file",
            remedy=f"choose one of {tags}, or give a file" if tags else "give a file",
        )
    made_with_quick = bool(published.get("quick_gelu"))
    if made_with_quick != bool(open_clip.get_model_config(name).get("quick_gelu")):
        plain = name.removesuffix("-quickgelu")
        raise WeightsError(
            f"the weights {tag!r} were trained with another activation than clip:{name} has",
            remedy=f"choose the backbone clip:{plain}{'-quickgelu' if made_with_quick else ''}",
        )
    return published
