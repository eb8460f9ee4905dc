"""Figures and images as the page of a study embeds them."""

from __future__ import annotations

import base64
import io
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hullspace.extras import require

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A figure as the page embeds it.

    Attributes
    ----------
    source : str
        A data URI; or the elements of an SVG, where `hints` is not empty.
    alt : str
        What it shows, for those who cannot see it.
    caption : str
        What it says.
    hints : dict of str to str
        What the page says when the pointer is on the elements with these ids.
    """

    source: str
    alt: str
    caption: str
    hints: dict[str, str] = field(default_factory=dict)


def svg(figure: Figure, alt: str, caption: str, hints: dict[str, str] | None = None) -> Picture:
    """Embed a figure as lines and letters; with hints, its elements answer to the pointer."""
    if not hints:
        return Picture(_data_uri(figure, "svg", "image/svg+xml"), alt, caption)
    # Names within a page must differ from picture to picture.
    mark = f"s{zlib.crc32(caption.encode()):08x}-"
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{mark}", _bytes(figure, "svg").decode())
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    named = {mark + name: hint for name, hint in hints.items()}
    return Picture(text[text.index("<svg") :], alt, caption, named)


def png(figure: Figure, alt: str, caption: str) -> Picture:
    """Embed a figure as pixels."""
    return Picture(_data_uri(figure, "png", "image/png"), alt, caption)


def as_picture(image: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return a (channels, height, width) image as (height, width[, 3]) between 0 and 1."""
    pixels = np.clip(np.moveaxis(np.asarray(image, np.float64), 0, -1), 0.0, 1.0)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def thumbnail(image: npt.NDArray[np.float64]) -> str:
    """Embed an image, (height, width[, 3]) between 0 and 1, as a data URI."""
    buffer = io.BytesIO()
    pixels = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    require("matplotlib.image", "study").imsave(buffer, pixels, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _data_uri(figure: Figure, kind: str, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(_bytes(figure, kind)).decode()}"


def _bytes(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    return buffer.getvalue()
