"""Start-up: `import deephealth` and `deephealth --help`, in seconds above bare Python, medians of interleaved runs."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 11
COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "import deephealth": [sys.executable, "-c", "import deephealth"],
    "deephealth --help": [str(Path(sys.executable).with_name("deephealth")), "--help"],
    "deephealth ls": [str(Path(sys.executable).with_name("deephealth")), "ls"],
}
GOALS = {"import deephealth": 0.3, "deephealth --help": 0.6}


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    bare = statistics.median(times["python"])
    above = {name: round(statistics.median(values) - bare, 4) for name, values in times.items() if name != "python"}
    print(
        json.dumps(
            {"python": sys.version.split()[0], "bare python s": round(bare, 4), "above it, s": above, "goals": GOALS}
        )
    )


if __name__ == "__main__":
    main()
