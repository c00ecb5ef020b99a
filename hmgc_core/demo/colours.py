"""Colours, how they mix, and the few strong ones that mark a species. Draws nothing."""

Colour = tuple[int, int, int]  # red, green, blue in 0..255

INK: Colour = (32, 30, 38)
WHITE: Colour = (252, 250, 244)
RED: Colour = (208, 50, 45)
BLUE: Colour = (38, 97, 193)
GREEN: Colour = (33, 142, 94)
GOLD: Colour = (248, 193, 49)
TEAL: Colour = (66, 189, 190)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour `share` of the way from a to b; share in [0, 1]."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float = 0.25) -> Colour:
    """This colour, part of the way to a warm white."""
    return mix(colour, (255, 252, 244), share)


def darker(colour: Colour, share: float = 0.25) -> Colour:
    """This colour, part of the way to a deep blue shadow."""
    return mix(colour, (18, 22, 38), share)
