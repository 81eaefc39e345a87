"""Draw the fictional quote cards of the example report `salt-lamps`.

    python examples/make_images.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

needs Pillow and a font with simplified and traditional Chinese glyphs (Debian: `fonts-noto-cjk` or
`fonts-wqy-zenhei`). The bytes depend on the font and on Pillow's version, so the drawn files are kept in the
repository and this script is for changing them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (800, 450)
COLOURS = 16
OUT = Path(__file__).parent / "reports" / "salt-lamps" / "salt-lamps_files"

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Line:
    """One line of text, centred on `x`, its top at `y` (pixels)."""

    text: str
    x: int
    y: int
    size: int


@dataclass(frozen=True)
class Card:
    """One image: file name, the font face its script wants, colours, lines and an optional drawing."""

    name: str
    face: str
    paper: Colour
    ink: Colour
    lines: tuple[Line, ...]
    drawing: Callable[[ImageDraw.ImageDraw, Colour], None] | None = None


def _frame(draw: ImageDraw.ImageDraw, ink: Colour) -> None:
    draw.rectangle((20, 20, SIZE[0] - 21, SIZE[1] - 21), outline=ink, width=6)


def _lamp(draw: ImageDraw.ImageDraw, ink: Colour) -> None:
    draw.polygon([(90, 330), (190, 330), (165, 190), (115, 190)], outline=ink, width=5)
    draw.ellipse((125, 235, 155, 300), fill=ink)
    draw.line((80, 345, 200, 345), fill=ink, width=8)


def _long_arm(draw: ImageDraw.ImageDraw, ink: Colour) -> None:
    for row in range(3):
        for column in range(4):
            left, top = 480 + column * 70 - (row % 2) * 30, 250 + row * 50
            draw.rectangle((left, top, left + 66, top + 46), outline=ink, width=3)
    draw.line([(40, 400), (200, 260), (620, 220)], fill=ink, width=22, joint="curve")
    draw.ellipse((600, 195, 655, 245), fill=ink)
    for finger in range(4):
        draw.line((640, 205 + finger * 11, 690, 200 + finger * 16), fill=ink, width=7)


CARDS = (
    Card("card-no-one.png", "SC", (250, 246, 235), (120, 30, 30),
         (Line("没有人被强迫", 400, 130, 96), Line("——维尔马港务局", 540, 310, 40)), _frame),
    Card("poster-lamps-burn.png", "SC", (28, 40, 70), (245, 205, 120),
         (Line("潮堤在", 490, 110, 100), Line("灯就在", 490, 240, 100)), _lamp),
    Card("poster-no-crime.png", "TC", (245, 245, 245), (20, 60, 90),
         (Line("鹽燈無罪", 400, 150, 140),), _frame),
    Card("cartoon-long-arm.png", "TC", (255, 255, 255), (40, 40, 40),
         (Line("聯邦的手伸得太長了", 400, 60, 72),), _long_arm),
    Card("card-who-judges.png", "SC", (232, 240, 232), (30, 70, 40),
         (Line("Who judges the judge?", 400, 110, 60), Line("谁来审判法官？", 400, 230, 92)), _frame),
)  # fmt: skip


def load_font(path: Path, face: str, size: int) -> ImageFont.FreeTypeFont:
    """The face of the font collection whose family name ends in `face` (`SC`, `TC`), else its first face."""
    index = 0
    while True:
        try:
            font = ImageFont.truetype(str(path), size, index=index)
        except OSError:
            if index == 0:
                raise
            return ImageFont.truetype(str(path), size)
        if (font.getname()[0] or "").endswith(f" {face}"):
            return font
        index += 1


def draw_card(card: Card, font_path: Path, out: Path) -> list[tuple[str, tuple[float, ...]]]:
    """Write `out/card.name`; returns each line with its box as percent of the image: x, y, width, height."""
    image = Image.new("RGB", SIZE, card.paper)
    draw = ImageDraw.Draw(image)
    if card.drawing is not None:
        card.drawing(draw, card.ink)
    boxes: list[tuple[str, tuple[float, ...]]] = []
    for line in card.lines:
        font = load_font(font_path, card.face, line.size)
        draw.text((line.x, line.y), line.text, font=font, fill=card.ink, anchor="ma")
        left, top, right, bottom = draw.textbbox((line.x, line.y), line.text, font=font, anchor="ma")
        pixels = ((left, SIZE[0]), (top, SIZE[1]), (right - left, SIZE[0]), (bottom - top, SIZE[1]))
        boxes.append((line.text, tuple(round(100 * value / whole, 1) for value, whole in pixels)))
    palette = image.quantize(colors=COLOURS, dither=Image.Dither.NONE)
    palette.save(out / card.name, optimize=True)
    return boxes


def main() -> None:
    """Draw every card and print where its lines of text stand."""
    parser = argparse.ArgumentParser(description="Draw the example images of the fictional report salt-lamps.")
    parser.add_argument("font", type=Path, help="a .ttc, .ttf or .otf file with Chinese glyphs")
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write to (default: the report's image folder)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for card in CARDS:
        for text, box in draw_card(card, arguments.font, arguments.out):
            print(card.name, text, *box, sep="\t")


if __name__ == "__main__":
    main()
