"""``report.html``: what was done in a lake and how it was checked, for a data protection officer to read.

One file without scripts or anything from outside. It holds counts, pseudonyms of objects and small pictures of released
objects; nothing that identifies a patient.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deephealth import __version__
from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write
from deephealth.core.optional import require
from deephealth.lake.actions import Action
from deephealth.lake.check.report_facts import ObjectCounts, count_objects, sum_runs
from deephealth.lake.check.report_samples import Tile, tiles
from deephealth.lake.check.report_trust import audit_facts, consent_facts, key_facts, verification_facts
from deephealth.lake.check.report_words import ACTIONS, LIMITS, OPTIONS, PIXELS
from deephealth.lake.intake.journal import Journal
from deephealth.lake.profile.options import Option
from deephealth.lake.reasons import MEANING, Reason

if TYPE_CHECKING:
    from deephealth.lake.lake import Lake

__all__ = ["write_report"]

_MOST_SAMPLES = 12


def write_report(lake: Lake, out: Path | str, *, samples: int = 12, seed: int = 0) -> Path:
    """Write the report of a lake.

    Pictures are drawn only when the last verification read pictures, passed, and no object changed since; an object in
    which it doubted something is left out.

    Args:
        lake: the lake. Without its vault the report says that the audit log and consent could not be read.
        out: the file to write; a folder gets ``report.html``.
        samples: at most so many pictures, 12 in all.
        seed: the same seed draws the same pictures.

    Returns:
        Path of the file.

    Raises:
        DataError: more pictures than twelve, or less than none.
        MissingDataError: nothing was taken in yet.
        OptionalDependencyError: Jinja2 is not installed.
        StorageError: the file can't be written.
    """
    if not 0 <= samples <= _MOST_SAMPLES:
        raise DataError(f"a report can't hold {samples} pictures", allowed=f"0 to {_MOST_SAMPLES}")
    path = Path(out)
    path = path / "report.html" if path.is_dir() else path
    atomic_write(path, _render(_context(lake, samples, seed)))
    return path


def _render(context: dict[str, Any]) -> str:
    jinja = require("jinja2", purpose="writing the lake's report")

    def source(name: str) -> str:
        return resources.files("deephealth.lake.check").joinpath("templates", name).read_text(encoding="utf-8")

    # autoescape is on for every name: names of data sets and tables come from outside
    environment = jinja.Environment(
        autoescape=True, undefined=jinja.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": "{:,}".format, "moment": _moment}
    return str(environment.from_string(source("report.html.j2")).render(css=source("report.css"), **context))


def _moment(when: str) -> str:
    """Return an ISO 8601 moment as people read it.

    Example:
        >>> _moment("2026-11-23T20:14:15+00:00"), _moment("")
        ('2026-11-23 20:14 UTC', '–')
    """
    try:
        return datetime.fromisoformat(when).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return when or "–"


def _context(lake: Lake, samples: int, seed: int) -> dict[str, Any]:
    with Journal(lake.folder.journal, create=False) as journal:
        counts = count_objects(journal.published(), samples=samples, seed=seed)
        runs, waiting = sum_runs(journal.reports()), journal.quarantined()
    verification = verification_facts(lake)
    return {
        "project": lake.settings.project,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": __version__,
        "counts": counts,
        "subjects": _small(counts.subjects, lake.settings.smallest),
        "datasets": sorted(counts.datasets.items()),
        "options": _options(lake, counts),
        "accept": sorted(lake.settings.accept),
        "runs": runs,
        "waiting": waiting.total(),
        "reasons": [(reason, number, _meaning(reason)) for reason, number in waiting.most_common()],
        "actions": [(str(action), ACTIONS[action], counts.total()[action]) for action in Action],
        "by_modality": _by_modality(counts),
        "pixels": _pixels(counts),
        "pixel_words": PIXELS,
        "verification": verification,
        "tiles": _tiles(lake, counts, verification),
        "audit": audit_facts(lake),
        "consent": consent_facts(lake),
        "keys": key_facts(lake),
        "limits": LIMITS,
        "smallest": lake.settings.smallest,
    }


def _small(number: int, smallest: int) -> str:
    return f"fewer than {smallest}" if 0 < number < smallest else f"{number:,}"


def _meaning(reason: str) -> str:
    return MEANING[Reason(reason)] if reason in set(Reason) else ""


def _options(lake: Lake, counts: ObjectCounts) -> list[dict[str, Any]]:
    on = lake.settings.options
    return [
        {
            "code": option.value,
            "name": option.meaning,
            "what": OPTIONS[option],
            "on": option in on,
            "executed": counts.executed[option.value],
        }
        for option in sorted(Option, key=lambda option: (option not in on, option.value))
    ]


def _by_modality(counts: ObjectCounts) -> dict[str, Any]:
    used = [action for action in Action if counts.total()[action]]
    rows = [
        (modality, [number, *(counts.actions[modality][action] for action in used)])
        for modality, number in sorted(counts.modalities.items())
    ]
    return {"columns": ["modality", "objects", *map(str, used)], "rows": rows}


def _pixels(counts: ObjectCounts) -> dict[str, Any]:
    total = sum(counts.pixels.values(), Counter[str]())
    used = [word for word in PIXELS if total[word]]
    rows = [(modality, [found[word] for word in used]) for modality, found in sorted(counts.pixels.items())]
    return {"columns": used, "rows": rows, "total": total}


def _tiles(lake: Lake, counts: ObjectCounts, verification: dict[str, Any]) -> list[Tile] | None:
    """Return the pictures; ``None`` where no verification vouches for them."""
    pictures = verification["pictures"]
    if not verification["whole"] or sum(pictures["doubts"].values()) > len(pictures["doubtful_places"]):
        return None
    doubtful = {place.partition(": something like")[0] for place in pictures["doubtful_places"]}
    return tiles(lake.folder.root, [one for one in counts.sample if one.path not in doubtful])
