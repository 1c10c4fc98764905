"""Data sets: the YAML format, generators, augmentations by split, and the loader of batches."""

__all__: list[str] = []
