flip = invert = morph = ambiguous_images = guaranteed_radius = None
