"""Kill an intake with SIGKILL again and again, resume it, and compare the lake with that of an unbroken run.

    python scripts/bench/deid/kill_intake.py --kills 50
    python scripts/bench/deid/kill_intake.py --kills 50 --real

Half of the kills come at a random time, half at a random call of what matters: a rename, a sync, a commit, a deletion.
After each kill every file in the lake must be whole; at the end files, quarantine and counts must be those of the
unbroken run. Without ``--real`` a stand-in cleans; with it ``deephealth lake intake`` does, on copies of DICOM files
that pydicom ships. Prints one JSON object; exit status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY))

CALLS = ("rename", "sync", "commit", "unlink")
NOT_COMPARED = {"seconds", "resumed"}


def main() -> int:
    """Run the comparison and print its result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", action="store_true", help="the whole command on DICOM files")
    parser.add_argument("--child", nargs=2, metavar=("FOLDER", "SOURCE"), help=argparse.SUPPRESS)
    arguments, _ = parser.parse_known_args()  # what follows --child is the command's
    if arguments.child:
        return child(Path(arguments.child[0]), Path(arguments.child[1]))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trial = (Real if arguments.real else StandIn)(Path(folder))
        result = compare(trial, arguments.kills, random.Random(arguments.seed))
    result |= {"seed": arguments.seed, "real": arguments.real, "seconds": round(time.perf_counter() - started, 1)}
    print(json.dumps(result, indent=2))
    return 0 if result["passed"] else 1


@dataclass
class StandIn:
    """An intake with the stand-in of the tests."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Write the source."""
        from tests.lake.intake.standin import make_mixed_folder

        make_mixed_folder(self.folder / "in")

    def fresh(self, name: str) -> Path:
        """Return the folder of a new lake."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def command(self, folder: Path) -> list[str]:
        """Return the command of one attempt."""
        return [sys.executable, __file__, "--child", str(folder), str(self.folder / "in")]

    def key(self, folder: Path) -> bytes:
        """Return the key of the quarantine."""
        from tests.lake.intake.standin import KEY

        return KEY


@dataclass
class Real(StandIn):
    """The whole command, on DICOM files."""

    def prepare(self) -> None:
        """Write the source and a lake to copy."""
        write_dicom(self.folder / "in")
        made = self.folder / "made"
        made.mkdir()
        (made / "vault").mkdir()
        (made / "keys").mkdir()
        self._deephealth("init", made / "lake", "--project", "kill", *vault_options(made))

    def fresh(self, name: str) -> Path:
        """Copy the empty lake and its vault: the same keys, so the same pseudonyms."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / "made", folder)
        return folder

    def command(self, folder: Path) -> list[str]:
        """Return the command of one attempt."""
        options = ("--lake", folder / "lake", *vault_options(folder))
        parts = ("lake", "intake", self.folder / "in", "--dataset", "chest", "--no-arrange", *options)
        return [sys.executable, __file__, "--child", str(folder), "-", *map(str, parts)]

    def key(self, folder: Path) -> bytes:
        """Return the key of the quarantine."""
        from deephealth.lake.vault.vault import Vault

        with Vault.open(folder / "vault" / "vault.db", folder / "keys" / "vault.key") as vault:
            return vault.quarantine_key()

    def _deephealth(self, *parts: object) -> None:
        command = [sys.executable, "-m", "deephealth", "lake", *map(str, parts)]
        subprocess.run(command, check=True, cwd=REPOSITORY, stdout=subprocess.DEVNULL)


def vault_options(folder: Path) -> tuple[object, ...]:
    """Where the vault and its key lie: in two folders, as the vault demands."""
    return "--vault", folder / "vault" / "vault.db", "--vault-key", folder / "keys" / "vault.key"


def compare(trial: StandIn, kills: int, draw: random.Random) -> dict[str, Any]:
    """Take a source in without and again and again with kills, and compare.

    An intake that ends before the kill that was meant for it is compared, and another begins.
    """
    trial.prepare()
    whole, problems = trial.fresh("whole"), list[str]()
    started = time.perf_counter()
    if attempt(trial, whole, {}, None) != 0:
        problems.append("the unbroken run did not end well")
    duration = time.perf_counter() - started
    reference = Contents.of(trial, whole)
    killed, ended, where = 0, 0, dict.fromkeys((*CALLS, "time"), 0)
    broken = trial.fresh("broken")
    while killed < kills or ended == 0:
        environment, delay = moment(draw, duration) if killed < kills else ({}, None)
        status = attempt(trial, broken, environment, delay)
        problems += half_written(broken, reference)
        if status == 0:
            problems += Contents.of(trial, broken).differences(reference)
            broken, ended = trial.fresh("broken"), ended + 1
        elif status == -signal.SIGKILL:
            killed += 1
            where[environment.get("KILL_CALL", "time")] += 1
        else:
            problems.append(f"an attempt ended with {status}: {environment or delay}")
        if len(problems) > 20:
            break
    return {
        "passed": not problems,
        "kills": killed,
        "at": where,
        "runs_compared": ended,
        "files": reference.counts.get("found"),
        "released": len(reference.released),
        "unbroken_seconds": round(duration, 2),
        "problems": problems,
    }


def moment(draw: random.Random, duration: float) -> tuple[dict[str, str], float | None]:
    """Draw when to kill: at a call, or at a time."""
    if draw.random() < 0.5:
        return {}, draw.uniform(0.1, 1.0) * duration
    call = draw.choice(CALLS)
    return {"KILL_CALL": call, "KILL_AT": str(draw.randint(1, 40 if call in ("rename", "unlink") else 6))}, None


def attempt(trial: StandIn, folder: Path, environment: dict[str, str], delay: float | None) -> int:
    """Run until the end or the kill; return the exit status."""
    process = subprocess.Popen(
        trial.command(folder), env=os.environ | environment, stdout=subprocess.DEVNULL, cwd=REPOSITORY
    )
    try:
        return process.wait(delay)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def child(folder: Path, source: Path) -> int:
    """Take in; be killed at the call that the environment names."""
    if "KILL_CALL" in os.environ:
        arm(os.environ["KILL_CALL"], int(os.environ["KILL_AT"]))
    if source == Path("-"):
        from deephealth.cli import main as command

        sys.argv = ["deephealth", *sys.argv[sys.argv.index("-") + 1 :]]
        command()
        return 0
    from deephealth.lake.folder import LakeFolder
    from deephealth.lake.intake.runner import run_intake
    from deephealth.lake.intake.sources import FolderSource
    from deephealth.lake.intake.tools import IntakeSettings
    from tests.lake.intake.standin import FileMemory, StandInCleaner, tools

    memory = FileMemory(folder / "vault.jsonl")
    run_intake(
        FolderSource(source),
        LakeFolder(folder / "lake"),
        "chest",
        tools(memory, StandInCleaner(delay=0.002)),
        settings=IntakeSettings(workers=2, batch=20, order=4),
    )
    return 0


def arm(call: str, at: int) -> None:
    """Have this process killed just before or just after the n-th call of something."""
    import deephealth.lake.intake.journal as journal
    import deephealth.lake.intake.placing as placing

    counter = iter(range(1, sys.maxsize))

    def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            number = next(counter)
            if number == at and at % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            if number == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    if call == "rename":
        os.replace = deadly(os.replace)  # type: ignore[assignment]
    elif call == "sync":
        placing.flush = deadly(placing.flush)
    elif call == "commit":
        journal.Journal.transaction = deadly(journal.Journal.transaction)  # type: ignore[method-assign]
    else:
        os.unlink = deadly(os.unlink)


@dataclass
class Contents:
    """What a finished lake holds."""

    released: dict[str, bytes]
    quarantined: dict[str, bytes]
    published: dict[str, str]
    counts: dict[str, Any]

    @classmethod
    def of(cls, trial: StandIn, folder: Path) -> Contents:
        """Read a lake; what is in quarantine is decrypted."""
        lake, key = folder / "lake", trial.key(folder)
        database = sqlite3.connect(lake / ".state" / "journal.sqlite")
        (report,) = database.execute("SELECT report FROM runs ORDER BY id LIMIT 1").fetchone() or ("{}",)
        published = dict(database.execute("SELECT dataset || '/' || path, facts FROM objects"))
        database.close()
        counts = {name: value for name, value in json.loads(report).items() if name not in NOT_COMPARED}
        return cls(files(lake / "rawdata"), opened(lake / "quarantine", key), published, counts)

    def differences(self, other: Contents) -> list[str]:
        """Name what differs."""
        found = []
        for name in ("released", "quarantined", "published", "counts"):
            mine, its = getattr(self, name), getattr(other, name)
            if mine != its:
                odd = [key for key in {*mine, *its} if mine.get(key) != its.get(key)]
                found.append(f"{name}: {len(odd)} differ, such as {sorted(odd)[:3]}")
        if set(self.published) != set(self.released):
            found.append("the journal and the data set do not name the same files")
        return found


def half_written(folder: Path, reference: Contents) -> list[str]:
    """Name released files that are not those of the unbroken run."""
    found = files(folder / "lake" / "rawdata")
    return [f"half-written or strange: {name}" for name in found if found[name] != reference.released.get(name)]


def files(root: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def opened(folder: Path, key: bytes) -> dict[str, bytes]:
    """All files of a quarantine, decrypted."""
    from deephealth.lake.vault.sealed import open_file

    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            with open_file(path, key, context=path.name) as stream:
                found[path.name] = stream.read()
    return found


def write_dicom(root: Path, *, patients: int = 5, objects: int = 16) -> None:
    """Write copies of a CT that pydicom ships, of several patients, with a few bad files."""
    import pydicom
    from pydicom.data import get_testdata_file

    root.mkdir(parents=True)
    for patient in range(patients):
        for number in range(objects):
            one = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
            one.PatientID, one.PatientName = f"MRN-{patient}", f"Doe^Jane{patient}"
            one.StudyInstanceUID, one.SeriesInstanceUID = f"1.2.3.{patient}.1", f"1.2.3.{patient}.2"
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{patient}.3.{number}"
            one.InstanceNumber = number + 1
            one.save_as(root / f"doe-{patient}-{number:03}.dcm")
        (root / f"doe-{patient}-notes.xyz").write_text(f"Jane Doe {patient}")
        shutil.copy(root / f"doe-{patient}-000.dcm", root / f"doe-{patient}-copy.dcm")


if __name__ == "__main__":
    sys.exit(main())
