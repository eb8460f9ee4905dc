"""What searches in pixel space found, in words, tables and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.status import Status
from hullspace.studies import pixels_plots
from hullspace.studies.finding import Finding, heuristic, measured, proven
from hullspace.studies.pictures import Picture, png, svg
from hullspace.studies.table import QUANTILE_NAMES, Table, count, number, quantiles, share

if TYPE_CHECKING:
    from hullspace.pixels import Morph
    from hullspace.studies.adversarial import AdversarialResult
    from hullspace.studies.result import Study

_Ints = npt.NDArray[np.int64]

# Images that are shown with their flips.
_SHOWN = 8


def flip_findings(study: Study) -> list[Finding]:
    """Say how little changes the answer, and how far nothing can."""
    found = study.adversarial
    if found is None:
        return []
    sentences = []
    for name, flips in found.flips.items():
        reached = flips.status == Status.REACHED
        if reached.any():
            median = number(float(np.median(flips.distances[reached])))
            text = (
                f"For {share(count(reached), len(reached))} of {len(reached):,} test images an "
                f"image was found where the model's answer changes, {median} away in the median "
                f"({name} in pixels)."
            )
            sentences.append(heuristic(text))
    sentences += _radius_findings(found)
    both = np.isfinite(found.travels) & np.isfinite(found.in_features)
    both &= found.in_features > 0
    if both.any():
        ratio = number(float(np.median(found.travels[both] / found.in_features[both])))
        text = (
            f"Such a change moves the features {ratio} times as far, in the median, as the nearest "
            "decision boundary in feature space is."
        )
        sentences.append(measured(text))
    return sentences


def _radius_findings(found: AdversarialResult) -> list[Finding]:
    sentences: list[Finding] = []
    for name, lower in found.guaranteed.items():
        known = np.isfinite(lower)
        if known.any():
            # A radius that rounding leaves at zero says nothing, and counts as such.
            text = (
                f"Within {number(float(np.median(lower[known])))} of an image no change of pixels "
                f"can alter the answer, in the median of {count(known):,} images ({name})."
            )
            sentences.append(proven(text))
    return sentences


def flip_tables(study: Study) -> dict[str, Table]:
    """Make the tables of the flips and radii."""
    found = study.adversarial
    if found is None:
        return {}
    return {"flip distances": flip_table(found), "flip targets": target_table(study, found)}


def flip_table(found: AdversarialResult) -> Table:
    """Quantiles of the distances at which the answer changes, and of radii in which it cannot."""
    table = Table(
        "How little changes the answer",
        ("distance", "images", *QUANTILE_NAMES),
        note="Flip: the nearest image found where the model's answer changes; an upper bound of "
        "the true distance. Guaranteed: a radius in which no change of pixels can alter the "
        "answer; a lower bound, proven, and larger on a faster machine where the time limit ends "
        "the search. In features: how far the features of the flip in the "
        "2-norm are from the image's, and how far the nearest decision boundary is.",
    )
    radii = found.guaranteed
    for name, flips in found.flips.items():
        rows = [(f"flip, {name}", flips.distances)]
        if name in radii:
            rows.insert(0, (f"guaranteed, {name}", radii[name]))
        for label, values in rows:
            table.rows.append((label, f"{count(np.isfinite(values)):,}", *quantiles(values)))
    for label, values in (
        ("flip, in features", found.travels),
        ("nearest boundary, in features", found.in_features),
    ):
        table.rows.append((label, f"{count(np.isfinite(values)):,}", *quantiles(values)))
    return table


def target_table(study: Study, found: AdversarialResult) -> Table:
    """Say which classes the flips lead to, image by image."""
    table = Table(
        "Flips, image by image",
        ("test image", "model says", "flips to", "2-norm", "largest norm", "flip in features"),
        note="The images whose answer changes with the least change of pixels.",
    )
    names, test = study.split.names, study.split.test
    euclidean, largest = found.flips.values()
    for k in _easiest(found)[:_SHOWN].tolist():
        row = int(found.rows[k])
        table.rows.append(
            (
                f"{row:,}",
                names[test.predictions[row]],
                names[euclidean.targets[k]],
                number(float(euclidean.distances[k])),
                number(float(largest.distances[k])),
                number(float(found.travels[k])),
            )
        )
        table.images.append(row)
    return table


def _easiest(found: AdversarialResult) -> _Ints:
    """Return the images with flips, those first whose flip is near."""
    distances = found.flips["2-norm"].distances
    order = np.argsort(distances, kind="stable")
    return np.asarray(order[np.isfinite(distances[order])], dtype=np.int64)


def flip_pictures(study: Study) -> dict[str, list[Picture]]:
    """Draw distances, and show images with their flips."""
    found = study.adversarial
    if found is None:
        return {}
    pictures = [
        svg(
            pixels_plots.brackets(found),
            "Range plot: for each image the proven radius and the distance of the flip found",
            "Each line is a test image: no change of pixels shorter than its lower end alters the "
            "answer, and one as long as its upper end does. Dots alone: no radius was looked for.",
        ),
        svg(
            pixels_plots.pixels_against_features(found),
            "Scatter plot of flip distances in pixels against boundary distances in features",
            "Each dot is a test image: how far it has to go in feature space and in pixels before "
            "the answer changes.",
        ),
    ]
    shown = _easiest(found)[:_SHOWN]
    if len(shown) and found.images.ndim == 4 and found.images.shape[1] in (1, 3):
        figure = pixels_plots.flipped_images(study, found, shown)
        caption = (
            "Above: test images. Middle: the nearest images found where the answer changes "
            "(2-norm). Below: their differences, magnified until they fill the range; grey is none."
        )
        pictures.append(png(figure, "Test images, their flips and the differences", caption))
    return {"flip distances": pictures[:2], "flip targets": pictures[2:]}


def morph_findings(study: Study) -> list[Finding]:
    """Say what the model makes of the ways between images."""
    found = study.morphing
    if found is None or not found.ways:
        return []
    kinds = {
        "pixels": [way.pixels_way for way in found.ways],
        "features": [way.features_way for way in found.ways],
    }
    sentences = []
    for name, ways in kinds.items():
        n_classes = np.mean([len(np.unique(way.classes)) for way in ways])
        text = f"On the way that is straight in {name} the model names {n_classes:.2g} classes"
        farthest = [np.nanmax(way.distances) for way in ways if way.distances is not None]
        if farthest:
            text += f"; it leaves the training hull by {number(float(np.median(farthest)))} at most"
        sentences.append(measured(f"{text}, in the median of {len(ways)} pairs of test images."))
    residuals = [np.median(way.features_way.residuals) for way in found.ways]
    text = (
        "The images found for the way that is straight in features miss it by "
        f"{number(float(np.median(residuals)))} in the median."
    )
    return [*sentences, heuristic(text)]


def morph_tables(study: Study) -> dict[str, Table]:
    """Make the table of the ways."""
    found = study.morphing
    if found is None:
        return {}
    table = Table(
        "Ways between test images",
        ("from", "to", "straight in", "classes on the way", "smallest margin",
         "farthest outside the training hull", "misses the way by, at most"),
        note="Classes in the order in which the model names them. Margin: difference of the two "
        "largest logits. Misses: distance in features between the images found and the way.",
    )  # fmt: skip
    for (a, b), way in zip(found.pairs.tolist(), found.ways, strict=True):
        for name, path in (("pixels", way.pixels_way), ("features", way.features_way)):
            away = "-" if path.distances is None else number(float(np.nanmax(path.distances)))
            misses = "-" if name == "pixels" else number(float(path.residuals.max()))
            sequence = " → ".join(study.split.names[c] for c in _sequence(path.classes))
            margin = number(float(path.margins.min()))
            table.rows.append((f"{a:,}", f"{b:,}", name, sequence, margin, away, misses))
            table.images.append(a)
    return {"ways": table}


def _sequence(classes: npt.NDArray[np.int64]) -> list[int]:
    """Return the classes without repetitions next to each other."""
    return [int(c) for i, c in enumerate(classes) if i == 0 or c != classes[i - 1]]


def morph_pictures(study: Study) -> dict[str, list[Picture]]:
    """Draw margins and distances along the ways, and show images on them."""
    found = study.morphing
    if found is None or not found.ways:
        return {}
    pictures = []
    for (a, b), way in zip(found.pairs.tolist(), found.ways, strict=True):
        ends = f"test image {a} and test image {b}"
        if _shows_images(way):
            caption = (
                f"Between {ends}: above straight in features, below straight in pixels. Above "
                "each: what the model says."
            )
            figure = pixels_plots.morph_images(study, way)
            pictures.append(png(figure, f"Images on two ways between {ends}", caption))
    pictures.append(
        svg(
            pixels_plots.morph_profiles(found),
            "Line plots of margin and hull distance along the ways",
            "Margin of the model's answer, and distance to the training hull, along the ways "
            "between each pair; a number for each pair.",
        )
    )
    return {"ways": pictures}


def _shows_images(way: Morph) -> bool:
    shape = np.shape(way.pixels_way.images)
    return len(shape) == 4 and shape[1] in (1, 3)


def tie_findings(study: Study) -> list[Finding]:
    """Say for how many images the search reached a tie."""
    if study.ties is None:
        return []
    sentences = []
    for k, tie in study.ties.by_number.items():
        reached = tie.found.status == Status.REACHED
        text = (
            f"From {share(count(reached), len(reached))} of the {len(reached)} most ambiguous test "
            f"images, images were found at which {k} classes tie."
        )
        sentences.append(heuristic(text))
    return sentences


def tie_tables(study: Study) -> dict[str, Table]:
    """Make the table of the images at ties."""
    if study.ties is None:
        return {}
    table = Table(
        "Images at ties",
        ("test image", "tie between", "logits differ by", "reached", "change, 2-norm"),
        note="Images found from test images, at which the logits of the classes are equal and no "
        "other is larger.",
    )
    names = study.split.names
    for tie in study.ties.by_number.values():
        changes = (np.asarray(tie.found.images, float) - tie.starts).reshape(len(tie.rows), -1)
        for k, row in enumerate(tie.rows.tolist()):
            between = ", ".join(names[c] for c in tie.found.classes[k])
            reached = "yes" if tie.found.status[k] == Status.REACHED else "no"
            change = number(float(np.linalg.norm(changes[k])))
            spread = f"{tie.found.spreads[k]:.2g}"
            table.rows.append((f"{row:,}", between, spread, reached, change))
            table.images.append(row)
    return {"tie images": table}


def tie_pictures(study: Study) -> dict[str, list[Picture]]:
    """Show the images at ties, below those that they were found from."""
    if study.ties is None:
        return {}
    pictures = []
    for k, tie in study.ties.by_number.items():
        if tie.starts.ndim == 4 and tie.starts.shape[1] in (1, 3):
            figure = pixels_plots.tie_images(study, tie)
            caption = f"Above: test images. Below: images found from them that tie {k} classes."
            pictures.append(png(figure, f"Images at which {k} classes tie", caption))
    return {"tie images": pictures}
