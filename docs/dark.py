"""A figure for a dark page: white becomes the page, black becomes light, colours keep their hue.

Turning a picture's lightness round is not enough: yellow on white, a bright line, would become brown on black, and a
map of colours would say the opposite of its scale. So a pixel is read as ink on white paper, the ink is made as light
as a dark page needs, and it is laid on that page. Colour maps and photos stay as they are, within the picture.
"""

from functools import reduce
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image, ImageFilter

from course_utils import plots

PAGE = np.array([0x13, 0x14, 0x16]) / 255  # Furo's dark background
ITSELF = Path(__file__).read_bytes()  # whose pictures change with it
SIZE = 33  # colours along each side of the table that films, too, are changed with

# Between linear red, green, blue and OKLab (Ottosson, 2020): lightness, and two coordinates of hue.
CONES = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
OKLAB = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])

# Pale colours of lines, which are no thin ink: sky blue and pink, the colours of two rules. On a dark page each is
# paler than its darker kin, blue and wine, as it is on a white one.
NIGHT = {"nesterov": "#b2e2fc", "rmsprop_momentum": "#ecb2d2"}
SOLID = np.array([[to_rgb(plots.look(rule)["color"]), to_rgb(night)] for rule, night in NIGHT.items()])


def oklab(colours):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ CONES.T) @ OKLAB.T


def srgb(lab):
    linear = np.clip((lab @ np.linalg.inv(OKLAB).T) ** 3 @ np.linalg.inv(CONES).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def darkened(colours):
    """Colours from 0 to 1 on a white page -> the same on a dark one."""
    cover = 1 - colours.min(-1, keepdims=True)  # how much ink the darkest channel needs
    ink = (colours - 1 + cover) / np.maximum(cover, 1e-6)
    made = oklab(ink)
    made[..., 0] = np.maximum(made[..., 0], 0.95 - 0.45 * made[..., 0])
    for solid, night in SOLID:
        whole = 1 - solid.min()
        alike = np.exp(-((((ink - (solid - 1 + whole) / whole) ** 2).sum(-1, keepdims=True) / 0.15**2) ** 2))
        made += alike * (oklab(night) - made)
        cover = np.minimum(1, cover * (1 + alike * (1 / whole - 1)))
    cover = cover**0.6  # thin grey is not seen on black
    return cover * srgb(made) + (1 - cover) * PAGE


def table():
    """``darkened`` of SIZE³ colours, red fastest: (SIZE³, 3)."""
    side = np.linspace(0, 1, SIZE)
    blue, green, red = np.meshgrid(side, side, side, indexing="ij")
    return darkened(np.stack([red, green, blue], -1)).reshape(-1, 3)


TABLE = table()
FILTER = ImageFilter.Color3DLUT(SIZE, TABLE.ravel().tolist())


def cube():
    """The table as ffmpeg's filter lut3d reads it."""
    return f"LUT_3D_SIZE {SIZE}\n" + "\n".join("{:.4f} {:.4f} {:.4f}".format(*row) for row in TABLE)


def extreme(way, picture):
    """The largest or smallest of red, green and blue, pixel by pixel; numpy's own max(-1) takes ten times as long."""
    return reduce(way, np.moveaxis(picture, -1, 0))


BLOCK = 12  # pixels: no line is as thick, no letter as large


def maps(picture):
    """The boxes (left, top, right, bottom) of a picture in which colour is a scale: many colours on a large area."""
    coloured = extreme(np.maximum, picture) - extreme(np.minimum, picture) > 30
    height, width = (size // BLOCK for size in coloured.shape)
    solid = coloured[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK).all((1, 3))
    middles = picture[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK][:height, :width]
    if solid.mean() < 0.25 or oklab(middles[solid] / 255)[:, 0].std() < 0.08:
        return []  # lines, bands, bars, regions in two or three colours
    boxes, left_over = [], {*zip(*map(list, np.nonzero(solid)), strict=True)}
    while left_over:
        found = [left_over.pop()]
        for y, x in found:
            near = {(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)} & left_over
            left_over -= near
            found += near
        if len(found) < 20:
            continue
        ys, xs = zip(*found, strict=True)
        left, top = max(0, min(xs) - 1) * BLOCK, max(0, min(ys) - 1) * BLOCK
        part = coloured[top : (max(ys) + 2) * BLOCK, left : (max(xs) + 2) * BLOCK]
        rows, columns = (np.nonzero(part.mean(axis) > 0.02)[0] for axis in (1, 0))
        box = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
        boxes.append(tuple(map(int, box)))
    return boxes


def dark(picture):
    """A picture for a dark page."""
    picture = picture.convert("RGB")
    white = picture.point([min(255, round(255 * value / 254)) for value in range(256)] * 3)  # palettes have 254 for it
    changed = white.filter(FILTER)
    boxes = maps(np.asarray(picture))
    if boxes:  # coloured, what glares there would be one of the scale's
        dimmed = Image.blend(changed.convert("L").convert("RGB"), changed, 0.35)
    for box in boxes:
        part = picture.crop(box)
        part.paste(dimmed.crop(box), mask=pale(part))
        changed.paste(part, box)
    return changed


def pale(picture):
    """Where a map has an area or a label that is all but white, with its letters: it would glare, and is no scale."""
    light = Image.fromarray((extreme(np.minimum, np.asarray(picture)) > 150).astype(np.uint8) * 255)
    wide = spread(spread(light, ImageFilter.MinFilter, BLOCK // 2), ImageFilter.MaxFilter, BLOCK // 2)  # no letters
    return spread(spread(wide, ImageFilter.MaxFilter, 2 * BLOCK), ImageFilter.MinFilter, 2 * BLOCK)


def spread(mask, way, pixels):
    """What a filter of this reach makes of a mask; pixel by pixel it takes a seventh of the time."""
    for _ in range(pixels):
        mask = mask.filter(way(3))
    return mask
