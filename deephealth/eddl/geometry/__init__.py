"""Moving pixels: crops, flips, shifts, rotations and scales with EDDL's exact index arithmetic."""
