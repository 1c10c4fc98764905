"""Networks that are loaded before workers are forked: no thread is left, and a forked process reads with them."""

from __future__ import annotations

import runpy
import subprocess
import sys

import pytest

from deephealth.lake.intake.starting import PIXEL_MODULES
from deephealth.lake.objects import ObjectCleaner
from deephealth.lake.pixels import reader
from deephealth.lake.profile.options import RESEARCH, Option
from deephealth.lake.pseudonyms import Pseudonyms

pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

_FORK = """
import os, signal
import cv2
import numpy as np
import deephealth.lake.pixels.loaded
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pixels.finder import TextFinder
from deephealth.lake.pixels.reader import reader
from deephealth.lake.pixels.screen import network

assert reader.cache_info().currsize == network.cache_info().currsize == 1, "loaded"
assert len(os.listdir("/proc/self/task")) == 1, "a thread would be missing in a forked process"
picture = cv2.putText(np.zeros((256, 256), np.uint8), "DOE^JANE 4711", (20, 60), 0, 0.6, 255)
children = []
for _ in range(2):
    child = os.fork()
    if not child:
        signal.alarm(60)
        os._exit(0 if TextFinder(Identifiers()).find(picture).boxes else 1)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="loaded before a fork on Linux only")
def test_forked_processes_read_with_the_networks_of_their_parent() -> None:
    environment = {"OMP_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", _FORK], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_loaded_does_not_end_the_process_that_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def broken() -> None:
        called.append(1)
        raise RuntimeError("a damaged network")

    monkeypatch.setattr(reader, "reader", broken)
    monkeypatch.setattr(sys, "platform", "linux")
    runpy.run_module("deephealth.lake.pixels.loaded")
    assert called == [1]


def test_networks_are_loaded_only_where_pixels_are_cleaned() -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    with_pixels, without = (
        ObjectCleaner(pseudonyms, options) for options in (RESEARCH, RESEARCH - {Option.CLEAN_PIXEL})
    )
    assert set(PIXEL_MODULES) <= set(with_pixels.modules)
    assert not set(PIXEL_MODULES) & set(without.modules)
