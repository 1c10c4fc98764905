"""How many series of a lake may show a face."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from deephealth.lake.faces.need import series_needs_defacing
from deephealth.lake.intake.journal import PublishedObject
from deephealth.lake.layout.names import series_label
from deephealth.lake.profile.options import Option

__all__ = ["count", "head_series"]


def head_series(published: Iterable[PublishedObject]) -> list[list[PublishedObject]]:
    """Return the series that are head images with enough slices to show a face, defaced or not.

    Args:
        published: what the journal says is released.
    """
    series: dict[tuple[str, str, str, str], list[PublishedObject]] = defaultdict(list)
    for one in published:
        if one.facts.format in ("dicom", "nifti"):
            series[one.dataset, one.facts.subject, one.facts.session, series_label(one.facts)].append(one)
    return [objects for objects in series.values() if series_needs_defacing(objects)]


def count(published: Iterable[PublishedObject]) -> int:
    """Return how many head series are released whose face was not taken out.

    Args:
        published: what the journal says is released.

    Example:
        >>> count([])
        0
    """
    done = Option.CLEAN_FEATURES.value
    return sum(any(done not in one.executed for one in objects) for objects in head_series(published))
