"""Floor 1: the hot spots, one per file: a torch reference, a version for processors, a version for accelerators."""
