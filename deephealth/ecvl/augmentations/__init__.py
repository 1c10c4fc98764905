"""ECVL's augmentations: classes with random parameters, containers, and the text that describes them."""
