"""Bounds on what a network does near a point, which `regions` and `pixels` share.

`gradients` bounds the distances to the hyperplanes of all units, with every rounding error.
`relaxation` replaces units by lines, `norms` finds the nearest and the lowest points of what they
make of the network (with `dual` where there are several constraints), `ascent` improves the lines,
and `reduction` leaves out all units that keep their sign.

The bounds hold in spite of rounding where the norm was given the network's
`gradients.relaxation_rounding`.
"""
