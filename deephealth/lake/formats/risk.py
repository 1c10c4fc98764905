"""How much a row of a table stands out, and what makes it stand out less.

Sources: Sweeney, "k-anonymity: a model for protecting privacy", Int. J. Uncertain. Fuzz. 10 (2002), and her Datafly
generalisation; Machanavajjhala et al., "l-diversity: privacy beyond k-anonymity", ACM TKDD 1 (2007). Patients are
counted, not rows: five visits of one patient hide nobody.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from deephealth.lake.formats.columns import Role
from deephealth.lake.formats.context import RiskPolicy

__all__ = [
    "HIDDEN",
    "Record",
    "RiskReport",
    "assess",
    "choose_levels",
    "generalised",
    "group_of",
    "suppress_small_cells",
]

HIDDEN = "*"
_TOP_AGE = 90
_AGE_WIDTHS = (1, 5, 10, 20)
_POSTCODE_LETTERS = (3, 2, 1)  # never the whole: HIPAA's safe harbour, 45 CFR 164.514(b)(2)(i)(B)
Class: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What counts of one row.

    Args:
        patient: anything that tells patients apart.
        quasi: values of the quasi-identifiers, as they came.
        sensitive: values of the sensitive columns, joined.
    """

    patient: Hashable = field(repr=False)
    quasi: tuple[str, ...] = field(repr=False)
    sensitive: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RiskReport:
    """k-anonymity and l-diversity of a table.

    Args:
        patients: how many there are.
        k_before: patients in the smallest group of equal quasi-identifiers, as the table came.
        k: the same as it is released; equal to ``patients`` when there is no quasi-identifier.
        l: different sensitive values in the least diverse group as released; 0 without a sensitive column.
        entropy_l: exponential of the smallest entropy of sensitive values over the groups.
        groups: how many groups are released.
        alone_before: patients whom nobody equals, as the table came.
        hidden: patients of whom a row's quasi-identifiers were replaced by ``*``.
        dropped: patients of whom a row was left out.
        levels: how much coarser each quasi-identifier became, by its place.
    """

    patients: int
    k_before: int
    k: int
    l: int  # noqa: E741 - the literature's own name
    entropy_l: float
    groups: int
    alone_before: int
    hidden: int
    dropped: int
    levels: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def generalised(value: str, role: Role, level: int) -> str:
    """Return a quasi-identifier made coarser.

    Args:
        value: the cell.
        role: of its column.
        level: 0 is as fine as may be released (ages of 90 and above are one, postcodes have three places).

    Example:
        >>> [generalised("43", Role.AGE, level) for level in range(5)]
        ['43', '40-44', '40-49', '40-59', '*']
        >>> generalised("93", Role.AGE, 0), generalised("10115", Role.POSTCODE, 0), generalised("baker", Role.QUASI, 1)
        ('90+', '101', '*')
    """
    text = value.strip()
    if level >= top_level(role):
        return HIDDEN
    if not text:
        return ""
    if role is Role.AGE:
        return _age(text, _AGE_WIDTHS[level])
    if role is Role.POSTCODE:
        return re.sub(r"\W", "", text)[: _POSTCODE_LETTERS[level]].upper()
    return text


def top_level(role: Role) -> int:
    """Return the level at which nothing of a value is left."""
    return {Role.AGE: len(_AGE_WIDTHS), Role.POSTCODE: len(_POSTCODE_LETTERS)}.get(role, 1)


def _age(text: str, width: int) -> str:
    band = re.fullmatch(r"(\d{1,3})\s*(?:-|to)\s*(\d{1,3})", text)
    if band:
        return _band(int(band[1]), int(band[2]), width)
    found = re.fullmatch(r"0*(\d{1,3})(?:[.,]\d+)?\s*(?:[yYaAjJ]\w*)?", text)
    if not found:
        months = re.fullmatch(r"0*(\d{1,3})\s*[MmWwDd]\w*", text)
        return "0" if months and width == 1 else ("0-" + str(width - 1) if months else "")
    years = int(found[1])
    if years >= _TOP_AGE:
        return f"{_TOP_AGE}+"
    if width == 1:
        return str(years)
    start = years // width * width
    return f"{start}-{min(start + width, _TOP_AGE) - 1}"


def _band(low: int, high: int, width: int) -> str:
    """Return an age band that came as one, at most as fine as it was."""
    if low >= _TOP_AGE:
        return f"{_TOP_AGE}+"
    if high >= _TOP_AGE or low > high:
        return HIDDEN
    if width == 1 or high - low + 1 >= width:
        return f"{low}-{high}"
    start = low // width * width
    return f"{start}-{start + width - 1}" if high < start + width else HIDDEN


def choose_levels(records: Sequence[Record], roles: Sequence[Role], policy: RiskPolicy) -> tuple[int, ...]:
    """Return how coarse each quasi-identifier must be so that few patients stand out.

    As long as more patients than allowed are in groups below k, the attribute with the most different values is made
    one level coarser (Datafly).

    Args:
        records: the rows.
        roles: of the quasi-identifiers, in the order of ``Record.quasi``.
        policy: k, l and the share that may be hidden.
    """
    levels = [0] * len(roles)
    patients = len({record.patient for record in records})
    while policy.generalise:
        groups = _groups(records, roles, levels)
        if len(_failing(groups, policy)) <= policy.max_suppressed * patients:
            break
        counts = [len({group[at] for group in groups}) for at in range(len(roles))]
        raisable = [at for at, role in enumerate(roles) if levels[at] < top_level(role)]
        if not raisable:
            break
        levels[max(raisable, key=lambda at: counts[at])] += 1
    return tuple(levels)


def assess(
    records: Sequence[Record], roles: Sequence[Role], levels: Sequence[int], policy: RiskPolicy
) -> tuple[RiskReport, frozenset[Class], bool]:
    """Return the report, the groups that stand out, and whether their rows must be left out.

    Rows of groups below k (or below l sensitive values) are put into one group without quasi-identifiers; if that
    group is itself below k or l, its rows are left out.

    Args:
        records: the rows.
        roles: of the quasi-identifiers.
        levels: from :func:`choose_levels`.
        policy: k and l.

    Example:
        >>> rows = [Record(n, (sex,), dx) for n, (sex, dx) in enumerate(["Fa", "Fb", "Fa", "Ma"])]
        >>> report, failing, dropped = assess(rows, [Role.SEX], [0], RiskPolicy(k=2))
        >>> report.k_before, report.k, report.l, failing, dropped
        (1, 3, 2, frozenset({('M',)}), True)
    """
    before = _groups(records, roles, [0] * len(roles), raw=True)
    groups = _groups(records, roles, levels)
    failing = {group for group, members in groups.items() if roles and not _stands(members, policy)}
    kept = {group: members for group, members in groups.items() if group not in failing}
    rest: dict[Hashable, set[str]] = defaultdict(set)
    for group in failing:
        for patient, values in groups[group].items():
            rest[patient] |= values
    everywhere_hidden = (HIDDEN,) * len(roles)
    for patient, values in kept.get(everywhere_hidden, {}).items() if failing else ():
        rest[patient] |= values
    dropped = bool(failing) and not _stands(rest, policy)
    if failing and not dropped:
        kept[everywhere_hidden] = rest
    report = RiskReport(
        patients=len({record.patient for record in records}),
        k_before=min(map(len, before.values()), default=0),
        k=min(map(len, kept.values()), default=0),
        l=min((len(_values(members)) for members in kept.values()), default=0),
        entropy_l=min((_entropy_l(members) for members in kept.values()), default=0.0),
        groups=len(kept),
        alone_before=sum(len(members) == 1 for members in before.values()),
        hidden=0 if dropped else len({patient for group in failing for patient in groups[group]}),
        dropped=len({patient for group in failing for patient in groups[group]}) if dropped else 0,
        levels=tuple(levels),
    )
    return report, frozenset(failing), dropped


def group_of(quasi: Sequence[str], roles: Sequence[Role], levels: Sequence[int]) -> Class:
    """Return the group of a row: its quasi-identifiers, made as coarse as ``levels`` says."""
    return tuple(generalised(value, role, level) for value, role, level in zip(quasi, roles, levels, strict=True))


def suppress_small_cells(counts: Mapping[str, int], k: int = 5) -> dict[str, str]:
    """Return counts in which none below ``k`` can be read or computed from the total.

    When only one cell would be hidden, the next smallest is hidden too: the total would give it away.

    Args:
        counts: value to number of patients.
        k: smallest number that is shown.

    Example:
        >>> suppress_small_cells({"F": 40, "M": 38, "O": 2})
        {'F': '40', 'M': '<39', 'O': '<5'}
    """
    hidden = {key for key, count in counts.items() if 0 < count < k}
    shown = {key: str(count) for key, count in counts.items()}
    shown |= dict.fromkeys(hidden, f"<{k}")
    rest = [key for key, count in counts.items() if count and key not in hidden]
    if len(hidden) == 1 and rest:
        second = min(rest, key=lambda key: counts[key])
        shown[second] = f"<{counts[second] + 1}"
    return shown


def _groups(
    records: Iterable[Record], roles: Sequence[Role], levels: Sequence[int], *, raw: bool = False
) -> dict[Class, dict[Hashable, set[str]]]:
    """Return the groups of equal quasi-identifiers: patient to sensitive values."""
    seen: dict[tuple[int, str], str] = {}

    def coarse(at: int, value: str) -> str:
        key = (at, value)
        if key not in seen:
            seen[key] = value.strip() if raw else generalised(value, roles[at], levels[at])
        return seen[key]

    groups: dict[Class, dict[Hashable, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in records:
        group = tuple(coarse(at, value) for at, value in enumerate(record.quasi))
        members = groups[group][record.patient]
        if record.sensitive:
            members.add(record.sensitive)
    return groups


def _failing(groups: Mapping[Class, Mapping[Hashable, set[str]]], policy: RiskPolicy) -> set[Hashable]:
    """Return the patients who have a row that stands out."""
    return {patient for members in groups.values() if not _stands(members, policy) for patient in members}


def _stands(members: Mapping[Hashable, set[str]], policy: RiskPolicy) -> bool:
    """Return whether a group may be released."""
    return len(members) >= policy.k and (policy.l < 2 or len(_values(members)) >= policy.l)


def _values(members: Mapping[Hashable, set[str]]) -> set[str]:
    return set().union(*members.values())


def _entropy_l(members: Mapping[Hashable, set[str]]) -> float:
    counts = Counter(value for values in members.values() for value in values)
    total = sum(counts.values())
    entropy = -sum(count / total * math.log(count / total) for count in counts.values()) if total else 0.0
    return round(math.exp(entropy), 6) if total else 0.0
