"""Views are what slow and obvious code makes of the same random numbers."""

import numpy as np
import pytest
import torch
from PIL import Image

from hmgc_core.learning import transforms
from hmgc_core.learning.transforms import random_views


def test_the_light_changes_one_after_the_other():
    torch.manual_seed(0)
    views = torch.rand(4, 3, 8, 8) * 255
    brightness, contrast, saturation = (torch.rand(3, 4, 1, 1, 1) * 0.6 + 0.7).unbind()
    expected = views * brightness
    expected = torch.lerp(expected.mean((1, 2, 3), keepdim=True), expected, contrast)
    expected = torch.lerp(expected.mean(1, keepdim=True), expected, saturation).clamp(0, 255)
    found = transforms._in_other_light(views, brightness, contrast, saturation)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", ["plain", "hrn"])
def test_pictures_cut_out_one_by_one_are_those_cut_out_at_once(monkeypatch, kind):
    size = 160
    soft = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 3), dtype=np.uint8)
    large = [np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in soft]
    pixels = torch.from_numpy(np.stack(large)).permute(0, 3, 1, 2).contiguous()
    monkeypatch.setattr(transforms, "ONE_BY_ONE_FROM", size + 1)
    at_once = [random_views(pixels, side=128, seed=0, epoch=0, step=step, kind=kind) for step in range(8)]
    monkeypatch.setattr(transforms, "ONE_BY_ONE_FROM", size)
    one_by_one = [random_views(pixels, side=128, seed=0, epoch=0, step=step, kind=kind) for step in range(8)]
    # Whole pixels instead of parts of them; at a zero edge a column of pixels may differ by all it has.
    assert (torch.stack(at_once) - torch.stack(one_by_one)).abs().mean() < 2.5
