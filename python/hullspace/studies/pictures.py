"""Figures as the page of a study embeds them."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A figure as the page embeds it."""

    source: str  # a data URI
    alt: str
    caption: str


def svg(figure: Figure, alt: str, caption: str) -> Picture:
    """Embed a figure as lines and letters."""
    return Picture(_data_uri(figure, "svg", "image/svg+xml"), alt, caption)


def png(figure: Figure, alt: str, caption: str) -> Picture:
    """Embed a figure as pixels."""
    return Picture(_data_uri(figure, "png", "image/png"), alt, caption)


def _data_uri(figure: Figure, kind: str, mime: str) -> str:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    return f"data:{mime};base64,{base64.b64encode(buffer.getvalue()).decode()}"
