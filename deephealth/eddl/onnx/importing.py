"""Import of ONNX models as nets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import DeepHealthError
from deephealth.eddl.errors import EddlOnnxError
from deephealth.eddl.onnx.log_level import LOG_LEVEL, logger
from deephealth.eddl.onnx.opsets import ENTRY
from deephealth.eddl.onnx.reading import read_bytes, read_file

if TYPE_CHECKING:
    import onnx_ir as ir

    from deephealth.eddl.graph.layer import Layer
    from deephealth.eddl.net.net import Net

__all__ = ["import_net_from_onnx_file", "import_net_from_onnx_string"]

_MEMORY = {0: "full_mem", 1: "mid_mem", 2: "low_mem"}


def import_net_from_onnx_file(
    path: str, input_shape: Sequence[int] | None = None, mem: int = 0, log_level: LOG_LEVEL = LOG_LEVEL.INFO
) -> Net:
    """Read a net from an ONNX file.

    Nodes become the EDDL layers that do the same, under the nodes' names; what EDDL has no layer for becomes a general
    layer. Build the net with ``init_weights=False`` to keep the file's weights.

    Args:
        path: the file; weights outside it must lie in its folder.
        input_shape: shape of the single input without the batch, instead of the file's.
        mem: 0, 1 or 2 for full, middle or low memory; kept in ``net.mem_level``.
        log_level: the least serious messages that are reported, through ``logging``.

    Raises:
        EddlOnnxError: no such file, no whole ONNX model, operators that are not known (all are named), or shapes that
            do not fit.
        OptionalDependencyError: onnx or onnxscript is not installed.

    Example:
        >>> import_net_from_onnx_file("nowhere.onnx")
        Traceback (most recent call last):
            ...
        deephealth.eddl.errors.EddlOnnxError: RuntimeError: ONNX::ImportNet: there is no file nowhere.onnx
          do next: check the path, or save the net first
    """
    with _saying(log_level):
        net = _net(read_file(path), input_shape, mem)
    net.name = Path(path).stem
    return net


def import_net_from_onnx_string(model_string: bytes, mem: int = 0) -> Net:
    """Read a net from the bytes of an ONNX model, such as ``serialize_net_to_onnx_string`` gives.

    Args:
        model_string: the bytes.
        mem: see :func:`import_net_from_onnx_file`.

    Raises:
        EddlOnnxError: see :func:`import_net_from_onnx_file`; weights outside the bytes are refused.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> net = eddl.Model([x], [eddl.Softmax(eddl.Dense(x, 2, name="head"))])
        >>> content = eddl.serialize_net_to_onnx_string(net, False)
        >>> [layer.name for layer in import_net_from_onnx_string(content).layers][1]
        'head'
    """
    return _net(read_bytes(model_string), None, mem)


@contextmanager
def _saying(level: LOG_LEVEL) -> Iterator[None]:
    before = logger.level
    logger.setLevel(LOG_LEVEL(level).standard)
    try:
        yield
    finally:
        logger.setLevel(before)


def _net(model: ir.Model, input_shape: Sequence[int] | None, mem: int) -> Net:
    from deephealth.eddl.net.model import Model

    if mem not in _MEMORY:
        raise EddlOnnxError("ONNX::ImportNet", f"mem is {mem}", allowed="0, 1 or 2: full, middle or low memory")
    _check(model)
    try:
        lin, lout = _layers(model, input_shape)
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError) as error:
        if isinstance(error, DeepHealthError):
            raise
        raise EddlOnnxError(  # a file may say nonsense anywhere
            "ONNX::ImportNet", f"the model does not make sense: {error}", hint="check it with onnx.checker.check_model"
        ) from error
    net = Model(lin, lout)
    net.mem_level, net.onnx_pretrained = mem, True
    logger.info("imported %d layers", len(net.layers))
    return net


def _layers(model: ir.Model, input_shape: Sequence[int] | None) -> tuple[list[Layer], list[Layer]]:
    from deephealth.eddl.onnx.steps import sequence_inputs

    times = sequence_inputs(model.graph)
    if times:
        try:
            return _by_steps(model, input_shape, times)
        except EddlOnnxError as error:
            logger.debug("not a net of steps: %s", error)
            refused = error
        try:
            return _whole(model, input_shape)
        except EddlOnnxError as error:
            raise (refused if _is_own(model) else error) from error
    return _whole(model, input_shape)


def _by_steps(
    model: ir.Model, input_shape: Sequence[int] | None, times: dict[str, int]
) -> tuple[list[Layer], list[Layer]]:
    from deephealth.eddl.onnx.handlers import make_layer
    from deephealth.eddl.onnx.inputs import plan_inputs
    from deephealth.eddl.onnx.steps import StepImporter

    importer = StepImporter(
        model,
        plan_inputs(model.graph, input_shape, times),
        own=model.producer_name == "EDDL",
        make=make_layer,
        times=times,
    )
    found = importer.run()
    if importer.sequences_out and not importer.decoders and not _is_own(model):
        raise EddlOnnxError(
            "ONNX::ImportNet", "the outputs are sequences, of which a recurrent net gives the last step"
        )
    return found


def _is_own(model: ir.Model) -> bool:
    return "EDDL" in (model.producer_name or "")


def _whole(model: ir.Model, input_shape: Sequence[int] | None) -> tuple[list[Layer], list[Layer]]:
    from deephealth.eddl.onnx.handlers import make_layer
    from deephealth.eddl.onnx.importer import BatchLockedError, Importer
    from deephealth.eddl.onnx.inputs import plan_inputs

    own = model.producer_name == "EDDL"
    plan = plan_inputs(model.graph, input_shape)
    try:
        return Importer(model, plan, own=own, make=make_layer).run()
    except BatchLockedError as error:
        logger.warning("the model only runs with batches of %d: %s", plan.batches[0], error)
        return Importer(model, plan.lock(), own=own, make=make_layer).run()


def _check(model: ir.Model) -> None:
    from deephealth.eddl.onnx.importer import unknown_operators

    version = model.graph.opset_imports.get("", ENTRY)
    if version < ENTRY:
        raise EddlOnnxError("ONNX::ImportNet", f"the file is of opset {version}", allowed=f"{ENTRY} or newer")
    unknown = unknown_operators(list(model.graph.all_nodes()))
    if unknown:
        raise EddlOnnxError(
            "ONNX::ImportNet",
            f"these operators are not supported: {', '.join(unknown)}",
            hint="export the model again with a newer opset, or without what is not a network",
        )
