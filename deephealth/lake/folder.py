"""Where things lie in a lake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["LakeFolder"]


@dataclass(frozen=True, slots=True)
class LakeFolder:
    """The folders and files of one lake.

    ``rawdata`` and ``derivatives`` are what researchers read; ``catalogue`` says what there is; ``audit`` is
    append-only; ``quarantine`` holds what may not enter, encrypted under the vault's key;
    ``state`` is the intake's own.

    Args:
        root: the lake.

    Example:
        >>> LakeFolder(Path("lake")).dataset("chest").as_posix()
        'lake/rawdata/chest'
    """

    root: Path

    @property
    def settings(self) -> Path:
        """``lake.json``: project, profile, fingerprint of the key."""
        return self.root / "lake.json"

    @property
    def rawdata(self) -> Path:
        """The data sets, each a BIDS/MIDS folder."""
        return self.root / "rawdata"

    def dataset(self, name: str) -> Path:
        """One data set in ``rawdata``."""
        return self.rawdata / name

    @property
    def derivatives(self) -> Path:
        """Labels, masks, partitions and cohorts made from the data sets."""
        return self.root / "derivatives"

    @property
    def catalogue(self) -> Path:
        """Cards and index."""
        return self.root / "catalogue"

    @property
    def audit(self) -> Path:
        """The audit log."""
        return self.root / "audit"

    @property
    def quarantine(self) -> Path:
        """What may not enter, encrypted."""
        return self.root / "quarantine"

    @property
    def state(self) -> Path:
        """The intake's journal and its temporary files."""
        return self.root / ".state"

    @property
    def staging(self) -> Path:
        """Files that are being written; on the same file system as the data sets, so that a rename is atomic."""
        return self.state / "staging"

    @property
    def journal(self) -> Path:
        """What was taken in, what became of it."""
        return self.state / "journal.sqlite"
