"""Export of nets to ONNX: torch's exporter, EDDL's names, and a check before anything is kept."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from deephealth.core.files import atomic_write
from deephealth.core.optional import is_installed, require
from deephealth.eddl.errors import EddlOnnxError

if TYPE_CHECKING:
    import onnx_ir as ir

    from deephealth.eddl.net.net import Net
    from deephealth.eddl.onnx.export_module import Exportable

__all__ = ["save_net_to_onnx_file", "serialize_net_to_onnx_string"]

OPSET = 18
PRODUCER = "deephealth EDDL"
_TITLE = "ONNX::ExportNet"
_TOLERANCE = 1e-3


def save_net_to_onnx_file(net: Net, path: str, seq_len: int = 0) -> None:
    """Write a net as an ONNX file of standard operators.

    The batch is open; nodes and outputs have their layers' names. Layers of data augmentation act as in a test. The
    file is checked, run and compared with the net (where onnxruntime is installed) before it is put in place.

    Args:
        net: the net, with its weights.
        path: the file; its folder must exist.
        seq_len: time steps of a recurrent net's inputs; 0 leaves them open.

    Raises:
        EddlOnnxError: no such folder, a layer that ONNX cannot express, or numbers that differ.
        OptionalDependencyError: onnx or onnxscript is not installed.

    Example:
        >>> import tempfile
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> net = eddl.Model([x], [eddl.ReLu(eddl.Dense(x, 2))])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     eddl.save_net_to_onnx_file(net, f"{folder}/net.onnx")
        ...     len(eddl.import_net_from_onnx_file(f"{folder}/net.onnx").layers)
        3
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise EddlOnnxError(_TITLE, f"there is no folder {folder}", hint="make it first")
    exportable, model, _ = _export(net, seq_len)
    content = _bytes(model)
    _check(content)
    _compare(net, exportable, content)
    atomic_write(path, content)


def serialize_net_to_onnx_string(net: Net, gradients: bool) -> bytes:
    """Return a net as the bytes of an ONNX model.

    Args:
        net: the net.
        gradients: put the gradients of the last backward pass where the weights would be
            (see :func:`~deephealth.eddl.onnx.travelling.apply_grads_from_onnx`).

    Raises:
        EddlOnnxError: a layer that ONNX cannot express.
        OptionalDependencyError: onnx or onnxscript is not installed.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> net = eddl.Model([x], [eddl.Dense(x, 2)])
        >>> content = serialize_net_to_onnx_string(net, False)
        >>> eddl.import_net_from_onnx_string(content).layers[1].params[0].shape
        [4, 2]
    """
    exportable, model, weights = _export(net, seq_len=0)
    if gradients:
        from deephealth.eddl.onnx.travelling import put_gradients

        put_gradients(model.graph, exportable, weights)
    return _bytes(model)


def _export(net: Net, seq_len: int) -> tuple[Exportable, ir.Model, dict[str, tuple[str, str]]]:
    for module in ("onnx", "onnxscript", "onnx_ir"):
        require(module, purpose="exporting to ONNX")
    from deephealth.eddl.onnx.export_names import rename
    from deephealth.eddl.onnx.export_tidy import tidy

    exportable = _exportable(net, seq_len)
    model = _run_exporter(exportable)
    tidy(model)
    weights = rename(model, exportable)
    model.producer_name, model.producer_version = PRODUCER, "1"
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    model.graph.name = net.name
    return exportable, model, weights


def _exportable(net: Net, seq_len: int) -> Exportable:
    from deephealth.eddl.onnx.export_module import plain_exportable

    if not net.isrecurrent:
        found = plain_exportable(net)
    else:
        from deephealth.eddl.onnx.export_recurrent import recurrent_exportable

        found = recurrent_exportable(net, seq_len)
    found.module = copy.deepcopy(found.module).cpu().float().eval()
    return found


def _run_exporter(exportable: Exportable) -> ir.Model:
    dims = {name: torch.export.Dim(name) for axes in exportable.axes for name in axes.values()}
    shapes = tuple({axis: dims[name] for axis, name in axes.items()} for axes in exportable.axes)
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                exportable.module,
                tuple(exportable.examples),
                input_names=exportable.inputs,
                dynamic_shapes=shapes,
                opset_version=OPSET,
                dynamo=True,
                optimize=False,
                verbose=False,
            )
    except Exception as error:  # the exporter's errors have no common base
        reason = [line for line in str(error).strip().splitlines() if line.strip()]
        raise EddlOnnxError(
            _TITLE,
            f"the net cannot be expressed in ONNX: {reason[-1] if reason else type(error).__name__}",
            hint="export the part before that layer: Model([in], [layer])",
        ) from error
    return program.model  # type: ignore[union-attr]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's own remarks away: they are about its internals."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export")]
    levels = [each.level for each in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in loggers:
            each.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for each, level in zip(loggers, levels, strict=True):
                each.setLevel(level)


def _bytes(model: ir.Model) -> bytes:
    import onnx_ir as ir

    try:
        content: bytes = ir.to_proto(model).SerializeToString()
    except Exception as error:  # protobuf's errors have no common public class
        raise EddlOnnxError(_TITLE, "the net is too large for one ONNX file", allowed="up to 2 GiB") from error
    return content


def _check(content: bytes) -> None:
    import onnx

    try:
        onnx.checker.check_model(content)
    except Exception as error:  # the checker's class is not public
        raise EddlOnnxError(_TITLE, f"the exported model is not valid: {str(error).splitlines()[0]}") from error


def _compare(net: Net, exportable: Exportable, content: bytes) -> None:
    """Run the file and the net on the same random numbers.

    Raises:
        EddlOnnxError: they differ.
    """
    if not is_installed("onnxruntime"):
        return
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    examples = [torch.cat([example, example[:1]]) for example in exportable.examples]  # another batch size
    wanted = _reference(net, exportable, examples)
    got = session.run(None, {name: each.numpy() for name, each in zip(exportable.inputs, examples, strict=True)})
    for name, a, b in zip(exportable.outputs, wanted, got, strict=True):
        found = torch.from_numpy(b)
        fits = found.numel() == a.numel()
        if not fits or not _close(found.reshape(a.shape).to(a.dtype), a):
            raise EddlOnnxError(
                _TITLE, f"the exported model gives other numbers at output {name}", hint="nothing was written"
            )


def _close(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    return torch.allclose(found, wanted, _TOLERANCE, _TOLERANCE * float(wanted.abs().max()), equal_nan=True)


def _reference(net: Net, exportable: Exportable, examples: list[torch.Tensor]) -> Sequence[torch.Tensor]:
    """Return what the net gives in test mode, on the CPU."""
    from deephealth.eddl.net.sequence_plan import Plan

    with torch.no_grad():
        if not net.isrecurrent:  # recurrent nodes written for ONNX compute only there
            found: Sequence[torch.Tensor] = exportable.module(*examples)
            return found
        kind = "last" if not net.isdecoder else "seq2seq" if Plan(net).has_encoder else "vec2seq"
        module = net.recurrent_module(kind)
        modes = [(part, part.training) for part in module.modules()]
        module.eval()
        try:
            result = module(*(example.to(net.device) for example in examples))
        finally:
            for part, training in modes:
                part.training = training
    return [each.cpu() for each in (result if isinstance(result, tuple) else (result,))]
