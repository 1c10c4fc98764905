"""What a lake was made for: project, profile, policy. It names no patient and no place outside the lake."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from deephealth.core.errors import DataError, MissingDataError
from deephealth.core.files import atomic_write_json
from deephealth.lake.profile.options import RESEARCH, Option, parse_options
from deephealth.lake.profile.sop_classes import check_accepted

__all__ = ["LakeSettings"]

VERSION = 1
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CONSENT = ("opt-out", "required")


@dataclass(frozen=True, slots=True)
class LakeSettings:
    """The settings of one lake, in ``lake.json``.

    Args:
        project: name of the project; lower-case letters, digits and hyphens. Also the name of its first data set.
        options: codes of the options of DICOM PS3.15 Annex E that are executed.
        accept: SOP classes that are taken in although their objects often hold identifiers.
        consent: ``required``: only patients with a valid consent; ``opt-out``: all but those who withdrew.
        scope: what consent must cover.
        smallest: counts below this are not shown (small-cell suppression).
        fingerprint: of the project's key, by which a wrong vault is recognised.

    Raises:
        DataError: a name or a value that is not allowed.

    Example:
        >>> LakeSettings("chest").codes[:2]
        ('113100', '113101')
    """

    project: str
    options: frozenset[Option] = RESEARCH
    accept: frozenset[str] = frozenset()
    consent: str = "opt-out"
    scope: str = "research"
    smallest: int = 5
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.project):
            raise DataError(
                f"'{self.project}' can't name a project", allowed="lower-case letters, digits and hyphens, at most 63"
            )
        if self.consent not in _CONSENT:
            raise DataError(f"'{self.consent}' is no policy of consent", allowed=" or ".join(_CONSENT))
        if not isinstance(self.smallest, int) or self.smallest < 1:
            raise DataError(f"'{self.smallest}' is no smallest count", allowed="a whole number above 0")
        check_accepted(self.accept)

    @property
    def codes(self) -> tuple[str, ...]:
        """The options' codes (DICOM PS3.16 CID 7050), sorted."""
        return tuple(sorted(option.value for option in self.options))

    def save(self, path: Path) -> None:
        """Write ``lake.json`` atomically."""
        values = asdict(self) | {"version": VERSION, "options": self.codes, "accept": sorted(self.accept)}
        atomic_write_json(path, values)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read ``lake.json``.

        Raises:
            MissingDataError: there is no lake.
            DataError: the file is damaged or of a newer version.
        """
        try:
            values = json.loads(path.read_text())
        except FileNotFoundError as error:
            hint = "name the lake with --lake DIR or DEEPHEALTH_LAKE, or make one: deephealth lake init DIR"
            raise MissingDataError(f"there is no lake in {path.parent}", hint=hint) from error
        except ValueError as error:
            raise DataError(f"{path} is damaged", hint="restore it from a backup; it holds no secret") from error
        if not isinstance(values, dict) or values.pop("version", None) != VERSION:
            raise DataError(f"{path} is not of version {VERSION}", hint="use the version of deephealth that made it")
        try:
            values["options"] = parse_options(values.get("options", ()))
            values["accept"] = frozenset(values.get("accept", ()))
            return cls(**values)
        except (TypeError, AttributeError) as error:  # a name that is not known, or a value of another kind
            raise DataError(f"{path} is damaged", hint="restore it from a backup; it holds no secret") from error
