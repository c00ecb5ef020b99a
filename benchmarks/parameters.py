"""How large each backbone is: its maps, its vector, and how many numbers it learns.

    python benchmarks/parameters.py [BACKBONE ...] [--json]

Nothing is allocated for the backbones of the catalog; others, as timm:convnext_tiny, are built. Counted is what a
training changes: the trunk with its neck, without a model's head; and with a Linear over 1,000 classes, as published.
"""

import json
import sys
from contextlib import nullcontext

import torch

from hmgc_core.models.catalog import BACKBONES, build_backbone
from hmgc_core.records import RunConfig

SIDE = 224
CLASSES = 1000


def main() -> None:
    named = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    rows = [row(backbone) for backbone in named or BACKBONES]
    if "--json" in sys.argv:
        print(json.dumps(rows))
        return
    print("| backbone | channels of its maps | vector | parameters | with 1,000 classes |")
    print("|---|---|---|---|---|")
    for one in rows:
        channels = ", ".join(map(str, one["channels"]))
        counts = f"{one['parameters']:,} | {one['with_classes']:,}"
        print(f"| `{one['backbone']}` | {channels} | {one['vector']} | {counts} |")


def row(backbone: str) -> dict[str, object]:
    """What one backbone gives and learns, for pictures of 224 px."""
    with torch.device("meta") if backbone in BACKBONES else nullcontext():
        trunk = build_backbone(RunConfig(backbone=backbone, image_size=SIDE))
    parameters = sum(one.numel() for one in trunk.parameters() if one.requires_grad)
    return {
        "backbone": backbone,
        "channels": trunk.stage_channels,
        "vector": trunk.vector_channels,
        "parameters": parameters,
        "with_classes": parameters + (trunk.vector_channels + 1) * CLASSES,
    }


if __name__ == "__main__":
    main()
