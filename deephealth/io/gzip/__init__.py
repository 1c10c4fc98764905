"""Gzip streams whose inflated size is known beforehand, as that of a volume is: read by the fastest back-end for each.

What :func:`gzip_blocks` writes is one ordinary gzip member that any reader takes, cut into blocks that do not refer to
each other, with their lengths in an extra field: :func:`gunzip` inflates them on several cores.
"""

from deephealth.io.gzip.compress import gzip_blocks
from deephealth.io.gzip.inflate import GZIP_BACKENDS, gunzip, gunzip_start

__all__ = ["GZIP_BACKENDS", "gunzip", "gunzip_start", "gzip_blocks"]
