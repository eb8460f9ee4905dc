"""The most ambiguous test images, and images at ties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.status import Status
from hullspace.studies.chapters.ambiguity.tables import SHOWN_IMAGES
from hullspace.studies.figures import image_grid, strip
from hullspace.studies.pictures import Picture, as_picture, png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hullspace.studies.chapters.ambiguity.find import TieResult, TiesResult
    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.result import Study


def draw(study: Study) -> dict[str, list[Picture]]:
    """Show the most ambiguous test images, and images at ties."""
    found = study.partition
    pictures = {} if found is None else {"ambiguous": _strips(study, found)}
    return pictures | ({} if study.ties is None else {"tie images": _ties(study, study.ties)})


def _strips(study: Study, found: PartitionResult) -> list[Picture]:
    pictures = []
    for k, ambiguity in found.ambiguity.items():
        rows = found.scope.images[ambiguity.most_ambiguous(SHOWN_IMAGES)]
        pictures += strip(study, rows, f"The test images nearest to a tie of {k} classes.")
    return pictures


def _ties(study: Study, found: TiesResult) -> list[Picture]:
    """Show the images at ties, below those that they were found from."""
    pictures = []
    for k, tie in found.by_number.items():
        if tie.starts.ndim == 4 and tie.starts.shape[1] in (1, 3):
            figure = tie_images(study, tie)
            caption = f"Above: test images. Below: images found from them that tie {k} classes."
            pictures.append(png(figure, f"Images at which {k} classes tie", caption))
    return pictures


def tie_images(study: Study, tie: TieResult) -> Figure:
    """Show images, and those found from them at a tie."""
    names, found = study.split.names, tie.found
    above = [as_picture(image) for image in tie.starts]
    below = [as_picture(image) for image in np.asarray(found.images)]
    says = [names[c] for c in study.split.test.predictions[tie.rows]]
    reached = found.status == Status.REACHED
    between = [
        "\n".join(names[c] for c in classes) if there else "not reached"
        for classes, there in zip(found.classes, reached, strict=True)
    ]
    return image_grid([above, below], [says, between])
