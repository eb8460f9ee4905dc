"""How many of the memberships are proven, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.status import Proof
from hullspace.studies.finding import Finding, proven
from hullspace.studies.table import count, share

if TYPE_CHECKING:
    from hullspace.studies.result import Study


def say(study: Study) -> list[Finding]:
    """Say how many of the memberships are proven."""
    if study.hulls is None:
        return []
    verdicts = np.concatenate([study.training.exact, study.classes.own.exact])
    exact = share(count(verdicts != Proof.UNPROVEN), len(verdicts))
    return [proven(f"{exact} of the memberships are proven in exact arithmetic.")]
