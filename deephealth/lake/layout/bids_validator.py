"""The BIDS community's own validator, run on this machine without a network."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deephealth.core.errors import DataError
from deephealth.core.optional import require

__all__ = ["BidsIssue", "BidsReport", "bids_validator"]

_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class BidsIssue:
    """One finding.

    Args:
        code: such as ``EMPTY_FILE``.
        detail: key or column it is about; may be empty.
        path: relative to the data set, with a leading ``/``.
        message: what the validator says.
    """

    code: str
    detail: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class BidsReport:
    """What the validator found.

    Args:
        errors: breaches of BIDS.
        warnings: what BIDS recommends and the data set lacks.
        files: how many files it looked at.
    """

    errors: tuple[BidsIssue, ...]
    warnings: tuple[BidsIssue, ...]
    files: int


def bids_validator(root: Path, *, seconds: int = _SECONDS) -> BidsReport:
    """Run the validator of the package ``bids-validator-deno`` over a data set.

    It may read the data set and nothing is given to it beyond that: no network, no writing.

    Args:
        root: the data set's folder.
        seconds: how long it may take.

    Raises:
        OptionalDependencyError: the package is not installed.
        DataError: it took too long, or did not answer.
    """
    package = Path(str(require("bids_validator_deno", purpose="validating BIDS").__file__)).parent
    deno = os.fsdecode(require("deno", purpose="validating BIDS").find_deno_bin())
    folder = root.resolve()
    command = [
        deno, "run", "--no-prompt", "--cached-only", "--no-config", f"--allow-read={folder},{package}", "--allow-env",
        str(package / "bids-validator.js"), str(folder), "--format", "json",
    ]  # fmt: skip
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", ""), "DENO_NO_UPDATE_CHECK": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - the program of an installed package, no shell
            command, capture_output=True, timeout=seconds, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"the BIDS validator took more than {seconds} s") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise DataError(f"the BIDS validator gave no answer (exit code {done.returncode})") from error
    found = answer["issues"]["issues"]
    files = int(answer.get("summary", {}).get("totalFiles", 0))
    return BidsReport(_issues(found, "error"), _issues(found, "warning"), files)


def _issues(found: list[dict[str, str]], severity: str) -> tuple[BidsIssue, ...]:
    return tuple(
        BidsIssue(one["code"], one.get("subCode") or "", one.get("location") or "", one.get("issueMessage") or "")
        for one in found
        if one.get("severity") == severity
    )
