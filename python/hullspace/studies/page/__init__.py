"""The page of a study: one HTML file that needs no network to be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import hullspace
from hullspace.extras import require
from hullspace.studies import figures
from hullspace.studies.chapters import left_out, written
from hullspace.studies.pictures import thumbnail

if TYPE_CHECKING:
    from hullspace.studies.chapters.chapter import Chapter
    from hullspace.studies.result import Study
    from hullspace.studies.table import Table


def render(study: Study) -> str:
    """Return the page as HTML text.

    Raises
    ------
    ImportError
        If the extra ``study`` is not installed.
    """
    jinja2 = require("jinja2", "study")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hullspace.studies.page"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    with figures.style():
        page: str = environment.get_template("report.html.j2").render(
            study=study,
            date=datetime.now(tz=UTC).date().isoformat(),
            build=hullspace.build_info(),
            chapters=[_as_written(study, *each) for each in written(study).items()],
            left_out=left_out(study),
        )
    return page


def _as_written(study: Study, name: str, chapter: Chapter) -> dict[str, Any]:
    """Return all that the template shows of a chapter."""
    pictures, findings = chapter.draw(study), chapter.say(study)
    return {
        "id": name,
        "title": chapter.title,
        "lead": chapter.lead,
        "findings": findings,
        "summary": findings[: chapter.n_summary],
        "sections": [
            (table, _thumbnails(study, table), pictures.get(key, []))
            for key, table in chapter.tabulate(study).items()
        ],
    }


def _thumbnails(study: Study, table: Table) -> list[str]:
    """Return the images of the rows, as data URIs; nothing if there are none."""
    test = study.subject.test
    if test is None or not table.images:
        return []
    images = [test.of(row) for row in table.images]
    known = [image for image in images if image is not None]
    return [thumbnail(image) for image in known] if len(known) == len(images) else []
