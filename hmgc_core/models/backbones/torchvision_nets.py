"""torchvision's ResNets as trunks, with a stem that suits the picture size. Weight names are torchvision's."""

from collections.abc import Callable, Mapping

import torchvision
from torch import Tensor, nn

from hmgc_core.models.base import Trunk
from hmgc_core.records import OptionValue

Options = Mapping[str, OptionValue]


class ResNetTrunk(Trunk):
    """A torchvision ResNet up to its last feature map.

    The stem follows the picture's side: up to 32 px a 3x3 convolution of stride 1 and the max-pool; 33 to 96 px a 3x3
    convolution of stride 2 without max-pool; above 96 px as published (7x7 of stride 2 and the max-pool).
    """

    def __init__(self, net: torchvision.models.ResNet, image_size: int) -> None:
        super().__init__()
        self.channels = net.fc.in_features
        self.conv1 = net.conv1 if image_size > 96 else _small_stem(stride=1 if image_size <= 32 else 2)
        self.bn1, self.relu = net.bn1, net.relu
        self.maxpool = nn.Identity() if 32 < image_size <= 96 else net.maxpool
        self.layer1, self.layer2, self.layer3, self.layer4 = net.layer1, net.layer2, net.layer3, net.layer4
        self.stage_channels = tuple(self.channels // 2**left for left in (3, 2, 1, 0))

    def stages(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to the four maps, or those that were not cut off."""
        maps = [self.maxpool(self.relu(self.bn1(self.conv1(images))))]
        for number in range(1, len(self.stage_channels) + 1):
            maps.append(self.get_submodule(f"layer{number}")(maps[-1]))
        return maps[1:]

    def earlier_layers(self) -> list[tuple[nn.Module, int]]:
        """`layer1`, `layer2` and so on without the last."""
        return [(self.get_submodule(f"layer{n}"), width) for n, width in enumerate(self.stage_channels, 1)][:-1]

    def _cut(self, count: int) -> None:
        for number in range(count + 1, len(self.stage_channels) + 1):
            delattr(self, f"layer{number}")


def _small_stem(stride: int) -> nn.Conv2d:
    stem = nn.Conv2d(3, 64, kernel_size=3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    return stem


def _resnet(make: Callable[..., torchvision.models.ResNet], image_size: int) -> ResNetTrunk:
    # A linear classifier of one class: it is thrown away, and 1000 would cost time to draw.
    return ResNetTrunk(make(weights=None, num_classes=1), image_size)


def resnet18(image_size: int, _options: Options) -> ResNetTrunk:
    """ResNet-18: 512 channels, 11 M parameters."""
    return _resnet(torchvision.models.resnet18, image_size)


def resnet34(image_size: int, _options: Options) -> ResNetTrunk:
    """ResNet-34: 512 channels, 21 M parameters."""
    return _resnet(torchvision.models.resnet34, image_size)


def resnet50(image_size: int, _options: Options) -> ResNetTrunk:
    """ResNet-50: 2048 channels, 24 M parameters."""
    return _resnet(torchvision.models.resnet50, image_size)


def wide_resnet50_2(image_size: int, _options: Options) -> ResNetTrunk:
    """Wide ResNet-50-2: 2048 channels, 67 M parameters."""
    return _resnet(torchvision.models.wide_resnet50_2, image_size)
