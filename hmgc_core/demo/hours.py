"""The hours of the day: one harmonious set of colours for each, from dawn to dusk."""

from dataclasses import dataclass

from hmgc_core.demo.colours import Colour


@dataclass(frozen=True)
class Hour:
    """The colours of one hour. sky: from the zenith to the horizon. water: from the horizon to the shore.

    far, land: distant hills and the ground. leaf: foliage and reeds. tint: red, green and blue factors around 1 by
    which this light colours what it falls on.
    """

    sky: tuple[Colour, Colour, Colour]
    glow: Colour
    cloud: Colour
    far: Colour
    land: Colour
    leaf: Colour
    water: tuple[Colour, Colour]
    tint: tuple[float, float, float]


DAWN = Hour(
    sky=((112, 140, 190), (190, 176, 202), (250, 206, 182)),
    glow=(255, 238, 204),
    cloud=(255, 230, 222),
    far=(146, 146, 182),
    land=(116, 138, 112),
    leaf=(86, 116, 92),
    water=((204, 180, 190), (82, 112, 150)),
    tint=(1.02, 0.97, 0.96),
)
MORNING = Hour(
    sky=((88, 158, 214), (142, 196, 230), (212, 232, 236)),
    glow=(255, 252, 236),
    cloud=(252, 253, 255),
    far=(130, 168, 186),
    land=(134, 172, 96),
    leaf=(84, 136, 72),
    water=((132, 186, 206), (38, 104, 150)),
    tint=(1.0, 1.0, 1.0),
)
NOON = Hour(
    sky=((46, 124, 196), (104, 174, 222), (180, 216, 228)),
    glow=(255, 255, 244),
    cloud=(255, 255, 255),
    far=(98, 150, 168),
    land=(150, 172, 84),
    leaf=(70, 124, 60),
    water=((92, 170, 192), (18, 86, 132)),
    tint=(1.02, 1.02, 0.99),
)
OVERCAST = Hour(
    sky=((134, 148, 162), (166, 178, 188), (200, 206, 208)),
    glow=(232, 234, 232),
    cloud=(188, 196, 204),
    far=(130, 146, 152),
    land=(122, 140, 108),
    leaf=(84, 108, 84),
    water=((154, 168, 176), (76, 98, 112)),
    tint=(0.95, 0.97, 0.99),
)
GOLDEN = Hour(
    sky=((116, 156, 184), (224, 194, 150), (250, 200, 120)),
    glow=(255, 244, 190),
    cloud=(255, 226, 184),
    far=(170, 140, 124),
    land=(170, 148, 78),
    leaf=(118, 116, 56),
    water=((222, 178, 122), (82, 106, 116)),
    tint=(1.05, 0.98, 0.87),
)
DUSK = Hour(
    sky=((52, 62, 112), (132, 96, 144), (240, 150, 122)),
    glow=(255, 206, 150),
    cloud=(206, 132, 150),
    far=(84, 74, 120),
    land=(72, 84, 92),
    leaf=(52, 72, 78),
    water=((196, 122, 128), (48, 54, 98)),
    tint=(0.93, 0.86, 0.92),
)

HOURS = (DAWN, MORNING, NOON, OVERCAST, GOLDEN, DUSK)
