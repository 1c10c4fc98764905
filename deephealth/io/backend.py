"""A back-end is a row of data: what it needs, what it can do, and the function that does it.

A reader keeps a :class:`BackendTable` per task (decoding JPEG-LS, opening a slide, inflating gzip ...), best back-end
first. ``deephealth doctor`` prints all the tables; a task that no installed back-end can do fails with the line to
install.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from deephealth.core.errors import OptionalDependencyError
from deephealth.core.optional import EXTRAS, is_installed

__all__ = ["Backend", "BackendTable"]


def _always(subject: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Backend:
    """One way of doing a task.

    Args:
        name: short name for listings, such as ``"pyjpegls"``.
        run: what does it; its signature is the table's.
        requires: modules that must be installed.
        can: whether it can handle one subject (a file, a transfer syntax, a stream ...); everything by default.
        note: why it stands where it stands, such as a measured speed or a licence.
    """

    name: str
    run: Callable[..., Any]
    requires: tuple[str, ...] = ()
    can: Callable[[Any], bool] = _always
    note: str = ""

    def missing(self) -> list[str]:
        """Return the required modules that are not installed."""
        return [module for module in self.requires if not is_installed(module)]


@dataclass(frozen=True, slots=True)
class BackendTable:
    """The back-ends of one task, best first.

    Args:
        task: what they do, such as ``"decode JPEG-LS"``; goes into listings and messages.
        rows: the back-ends.

    Example:
        >>> table = BackendTable("reverse text", [Backend("slice", lambda text: text[::-1])])
        >>> table.choose("abc").run("abc"), table.matrix()
        ('cba', [('slice', [], '')])
    """

    task: str
    rows: list[Backend] = field(default_factory=list)

    def usable(self, subject: Any = None) -> Iterator[Backend]:
        """Yield the installed back-ends that can handle ``subject``, best first."""
        return (row for row in self.rows if not row.missing() and row.can(subject))

    def choose(self, subject: Any = None) -> Backend:
        """Return the best installed back-end for ``subject``.

        Raises:
            OptionalDependencyError: none is installed; the message names each one and the line that installs it.
        """
        for row in self.usable(subject):
            return row
        able = [row for row in self.rows if row.can(subject)]
        raise OptionalDependencyError(
            f"nothing that is installed can {self.task}",
            allowed=", ".join(f"{row.name} (needs {', '.join(row.missing())})" for row in able)
            or "no back-end is known",
            hint=_install_line(able),
        )

    def matrix(self) -> list[tuple[str, list[str], str]]:
        """Return (name, missing modules, note) per back-end, for listings."""
        return [(row.name, row.missing(), row.note) for row in self.rows]


def _install_line(rows: list[Backend]) -> str | None:
    for row in rows:
        for module in row.missing():
            extra, distribution = EXTRAS.get(module.partition(".")[0], ("", module))
            return f"pip install 'deephealth[{extra}]'" if extra else f"pip install {distribution}"
    return None
