"""Upstream's example programs: what each needs, its arguments, and a runner.

``python -m tests.eddl.conformance.examples FOLDER [PATTERN…]`` runs them with stand-in data and prints a table.
"""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.eddl.conformance.stand_ins import STAND_INS

SOURCES = "DEEPHEALTH_PYEDDL_SOURCES"
"""The environment variable that names the folder of PyEDDL's sources, which holds ``examples`` and ``tests``."""

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Example:
    """One program.

    Args:
        path: below ``examples``.
        arguments: its arguments.
        needs: stand-ins, in order; ``!path`` runs another example first, in the same folder.
        ends: what its last line of output begins with.
        reason: why it cannot run; empty for those that can.
    """

    path: str
    arguments: str
    needs: tuple[str, ...] = ()
    ends: str = "All done"
    reason: str = ""


_MNIST = "--epochs 1 --batch-size 40"  # the stand-ins are smaller than what --small selects
_CIFAR = "--epochs 1 --batch-size 10"

EXAMPLES: tuple[Example, ...] = (
    Example("NN/1_MNIST/mnist_mlp_da.py", "--epochs 4 --batch-size 40", ("mnist",)),  # fewer end without "All done"
    *(
        Example(f"NN/1_MNIST/mnist_{name}.py", _MNIST, ("mnist",))
        for name in (
            "auto_encoder",
            "conv",
            "conv1D",
            "losses",
            "mlp",
            "mlp_initializers",
            "mlp_regularizers",
            "mlp_train_batch",
            "rnn",
        )
    ),
    *(
        Example(f"NN/2_CIFAR10/cifar_{name}.py", _CIFAR, ("cifar",))
        for name in ("conv", "conv_da", "resnet", "resnet50_da_bn", "resnet_da_bn", "vgg16", "vgg16_bn", "vgg16_gn")
    ),
    Example("NN/3_DRIVE/drive_seg.py", "--epochs 1 --num-batches 1", ("drive",)),
    Example("NN/4_NLP/nlp_machine_translation.py", "--small --batch-size 8", ("eutrans",)),
    Example("NN/4_NLP/nlp_sentiment_gru.py", "--small", ("imdb",)),
    Example("NN/4_NLP/nlp_sentiment_rnn.py", "--small", ("imdb",)),
    Example("NN/4_NLP/nlp_text_generation.py", "--small --batch-size 2", ("flickr", "resnet18")),
    Example("NN/4_NLP/nlp_video_to_labels.py", "--small", ends=""),
    Example("NN/py_loss_metric/ae.py", _MNIST, ("mnist",)),
    Example("NN/py_loss_metric/mlp.py", _MNIST, ("mnist",)),
    Example("NN/py_loss_metric/train_batch.py", _MNIST, ("mnist",)),
    Example("Tensor/array_tensor_save.py", "", ("keras_mnist",), ""),
    Example("onnx/save_net_to_file.py", _MNIST, ("mnist",)),
    Example("onnx/to_from_string.py", _MNIST, ("mnist",)),
    Example("onnx/import_net_from_file.py", "--batch-size 40", ("mnist", "!onnx/save_net_to_file.py")),
    Example("onnx/check_getout_forward.py", "--batch-size 40", ("mnist", "!onnx/save_net_to_file.py")),
    Example("onnx/import_net_and_reshape.py", "--small --batch-size 4", ("cifar", "resnet18")),
    Example(
        "applications/image_classification_resnet34.py",
        "elephant.jpg class_names.txt resnet34-v1-7.onnx",
        ("picture", "resnet34"),
        "",
    ),
    Example("_OLD/eddl_unet.py", "", reason="it imports pyeddl.api, which PyEDDL dropped long before 1.3.1"),
)
BY_PATH = {example.path: example for example in EXAMPLES}


def run_example(example: Example, sources: Path, folder: Path, *, timeout: float = 900) -> subprocess.CompletedProcess:
    """Run an example unchanged in ``folder``, after making what it needs there."""
    for need in example.needs:
        if need.startswith("!"):
            run_example(BY_PATH[need[1:]], sources, folder, timeout=timeout).check_returncode()
        else:
            STAND_INS[need](folder)
    program = sources / "examples" / example.path
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "DEEPHEALTH_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "deephealth.compat", str(program), *example.arguments.split()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def main(arguments: list[str]) -> int:
    """Run and print the table."""
    sources, patterns = Path(arguments[0]), arguments[1:] or ["*"]
    failed = 0
    for example in EXAMPLES:
        if not any(fnmatch.fnmatch(example.path, f"*{pattern}*") for pattern in patterns):
            continue
        with tempfile.TemporaryDirectory() as folder:
            begin = time.monotonic()
            try:
                result = run_example(example, sources, Path(folder))
                lines = result.stdout.strip().splitlines() or [""]
                good = result.returncode == 0 and lines[-1].startswith(example.ends)
                text = "ok" if good else (result.stderr.strip().splitlines() or ["?"])[-1][:150]
            except (subprocess.SubprocessError, OSError) as error:
                good, text = False, f"{type(error).__name__}: {str(error)[-150:]}"
            failed += not good and not example.reason
            print(f"{example.path:52} {time.monotonic() - begin:6.1f} s  {text}", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
