"""Draw the pictures of the gallery, from a study of the digits' network.

python docs/make_gallery.py
"""

from __future__ import annotations

from pathlib import Path

import hullspace
from hullspace.features import Images
from hullspace.studies import figures
from hullspace.studies.chapters import adversarial, morphing, partition, spaces

FOLDER = Path(__file__).parent / "images"


def main() -> None:
    """Study the network, and write the pictures."""
    model, _, images = hullspace.datasets.digits_model()
    study = hullspace.study(
        model,
        Images(images.train_images, images.train_labels, images.class_names),
        Images(images.test_images, images.test_labels),
        sample=40,
    )
    cut = study.partition.slices[0]
    colors = partition.draw.slice_colors(study.partition.slices)
    shown = study.adversarial.flips["2-norm"].distances.argsort()[:8]
    with figures.style():
        drawn = {
            "partition": partition.draw.slice_figure(study, cut, colors),
            "flips": adversarial.draw.flipped_images(study, study.adversarial, shown),
            "brackets": adversarial.draw.brackets(study.adversarial),
            "morph": morphing.draw.morph_images(study, study.morphing.ways[0]),
            "dimension": spaces.draw.control_curves(study.spaces),
        }
        for name, figure in drawn.items():
            figure.savefig(FOLDER / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
