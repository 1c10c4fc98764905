"""``deephealth lake receive``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from deephealth.cli.lake.options import LakeFolderOption, VaultKeyOption, VaultOption, open_lake

__all__ = ["receive"]


def receive(
    spool: Annotated[Path, typer.Argument(help="Folder outside the lake for objects until they are taken in.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 for any free one.")] = 11112,
    host: Annotated[str, typer.Option("--host", help="Address to listen at; DICOM has no passwords.")] = "127.0.0.1",
    title: Annotated[str, typer.Option("--title", help="Our application entity title.")] = "DEEPHEALTH",
    senders: Annotated[list[str] | None, typer.Option("--from", help="Titles that may send; default: anyone.")] = None,
    idle: Annotated[float, typer.Option("--idle", min=0.1, help="Seconds without an object that end it.")] = 60.0,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Listen for objects that modalities send (C-STORE), then take them in; Ctrl-C ends the listening.

    Example: deephealth lake receive /secure/spool --port 11112 --idle 300
    """
    from deephealth.cli.console import say
    from deephealth.cli.lake.intake import say_report
    from deephealth.lake.arranging import arrange_lake
    from deephealth.lake.intake.receiver import Receiver
    from deephealth.lake.intake.sources import SpoolSource
    from deephealth.lake.intake.spool import Spool
    from deephealth.lake.taking_in import take_in

    opened = open_lake(lake, vault, key)
    kept, last = Spool(spool, lake=opened.folder), [time.monotonic()]

    def received(_: int) -> None:
        last[0] = time.monotonic()

    with Receiver(
        kept, title=title, host=host, port=port, senders=frozenset(senders or ()), received=received
    ) as receiver:
        say(f"listening at {host}:{receiver.port} as {title}; {idle:g} s without an object, or Ctrl-C, end it")
        try:
            while time.monotonic() - last[0] < idle:
                time.sleep(0.1)
        except KeyboardInterrupt:
            say("the listening was ended; what came is taken in")
    report = take_in(opened, SpoolSource(kept.folder))
    arrange_lake(opened, report.dataset)
    say_report(report)
