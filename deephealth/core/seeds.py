"""Seeds: one number seeds everything; each sample's randomness is drawn from a counter, not from a worker's state."""

from __future__ import annotations

import hashlib
import random

__all__ = ["counter_seed", "seed_everything"]


def counter_seed(*key: int | str) -> int:
    """Return a 63-bit seed that depends on ``key`` alone.

    The same (seed, epoch, sample id) gives the same draw whatever the number of workers and wherever a run was resumed.

    Args:
        key: integers and strings, such as ``(seed, epoch, sample_id)``.

    Example:
        >>> counter_seed(0, 3, "ISIC_0024312") == counter_seed(0, 3, "ISIC_0024312")
        True
        >>> counter_seed(0, 3, "a") == counter_seed(0, 4, "a")
        False
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (all devices).

    Args:
        seed: a whole number from 0 to 2**32 - 1.
    """
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
