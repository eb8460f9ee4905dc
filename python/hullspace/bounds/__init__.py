"""Bounds on what a network does near a point, and the searches that they drive."""
