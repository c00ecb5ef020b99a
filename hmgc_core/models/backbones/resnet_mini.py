"""`resnet_mini`: a small ResNet for two processor cores, about 11 million multiply-adds at 32 px."""

from collections.abc import Mapping

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from hmgc_core.models.base import Trunk
from hmgc_core.records import OptionValue

WIDTHS = (32, 64, 96)


class ResNetMini(Trunk):
    """A 3x3 stem of stride 2 and three basic blocks: (B, 3, S, S) to (B, 96, S/8, S/8)."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.stage_channels = WIDTHS[-1], WIDTHS
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(
            BasicBlock(WIDTHS[0], WIDTHS[0]), _halving_block(WIDTHS[0], WIDTHS[1]), _halving_block(WIDTHS[1], WIDTHS[2])
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def stages(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to the map after each block."""
        maps = [self.stem(images)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps[1:]

    def earlier_layers(self) -> list[tuple[nn.Module, int]]:
        """All blocks but the last."""
        return list(zip(self.blocks, self.stage_channels, strict=True))[:-1]

    def _cut(self, count: int) -> None:
        self.blocks = self.blocks[:count]


def _halving_block(width_in: int, width_out: int) -> BasicBlock:
    shortcut = nn.Sequential(nn.Conv2d(width_in, width_out, 1, stride=2, bias=False), nn.BatchNorm2d(width_out))
    return BasicBlock(width_in, width_out, stride=2, downsample=shortcut)


def resnet_mini(_image_size: int, _options: Mapping[str, OptionValue]) -> ResNetMini:
    """The trunk of the catalog's entry `resnet_mini`."""
    return ResNetMini()
