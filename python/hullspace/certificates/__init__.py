"""Checks of the proofs that answers carry, and proofs that no rounding qualifies.

`check` verifies a certificate as it stands, in double precision, by code that shares nothing with
the solver. `prove` decides membership with tolerance zero; it may search for better evidence than
the certificate holds, and its verdict rests on rigorous bounds and exact integers alone.
"""

from hullspace.certificates.exact import prove
from hullspace.certificates.floating import check

__all__ = ["check", "prove"]
