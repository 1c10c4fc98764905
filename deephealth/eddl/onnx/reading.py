"""From bytes or a file to a checked ONNX graph: nothing outside the model's folder is ever opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deephealth.core.optional import require
from deephealth.eddl.errors import EddlOnnxError

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["read_bytes", "read_file"]

_TITLE = "ONNX::ImportNet"
_LARGEST = 2**31  # protobuf's own limit of one message


def read_file(path: Path | str) -> ir.Model:
    """Return the graph of an ONNX file.

    Args:
        path: the file; weights that it keeps outside must lie in its folder, as plain files that are long enough.

    Raises:
        EddlOnnxError: it is missing, is not ONNX, or points outside its folder.
    """
    path = Path(path)
    if not path.is_file():
        raise EddlOnnxError(_TITLE, f"there is no file {path}", hint="check the path, or save the net first")
    if path.stat().st_size >= _LARGEST:
        raise EddlOnnxError(_TITLE, f"{path} is larger than an ONNX file may be", allowed="up to 2 GiB")
    return read_bytes(path.read_bytes(), folder=path.parent, what=str(path))


def read_bytes(content: bytes, *, folder: Path | None = None, what: str = "the model") -> ir.Model:
    """Return the graph of serialised bytes.

    Args:
        content: what an ONNX file holds.
        folder: where weights outside the file may lie; ``None`` allows none.
        what: how messages call it.

    Raises:
        EddlOnnxError: they are not ONNX, or point outside ``folder``.
        OptionalDependencyError: onnx or onnx-ir is not installed.
    """
    onnx = require("onnx", purpose="reading ONNX")
    ir = require("onnx_ir", purpose="reading ONNX")
    passes = require("onnx_ir.passes.common", purpose="reading ONNX")
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(bytes(content))
    except Exception as error:  # protobuf's errors have no common public class
        raise _not_onnx(what, str(error)) from error
    if not proto.ir_version or not proto.graph.output:
        raise _not_onnx(what, "it has no graph")
    for tensor in _tensors(onnx, proto):
        _check_external(tensor, folder, what)
    try:
        model = ir.from_proto(proto)
        if folder is not None:
            ir.external_data.set_base_dir(model.graph, folder)
        passes.InlinePass()(model)
    except Exception as error:
        raise _not_onnx(what, str(error).strip() or type(error).__name__) from error
    return model


def _not_onnx(what: str, reason: str) -> EddlOnnxError:
    return EddlOnnxError(
        _TITLE,
        f"{what} is not a whole ONNX model: {reason.splitlines()[0] if reason else 'it cannot be parsed'}",
        hint="it may have been cut short: copy or export it again",
    )


def _tensors(onnx: Any, proto: Any) -> Iterator[Any]:
    """Yield every tensor of a message, wherever it is nested."""
    stack = [proto.graph, *proto.functions]
    while stack:
        message = stack.pop()
        for field, value in message.ListFields():
            if field.message_type is None:
                continue
            for each in [value] if hasattr(value, "ListFields") else value:
                if isinstance(each, onnx.TensorProto):
                    yield each
                else:
                    stack.append(each)


def _check_external(tensor: Any, folder: Path | None, what: str) -> None:
    if tensor.data_location != 1:
        return
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise EddlOnnxError(
            _TITLE, f"{what} keeps '{tensor.name}' in another file ({location})", hint="import it from its file instead"
        )
    target = folder / location
    inside = folder.resolve() in target.resolve().parents
    linked = any(part.is_symlink() for part in (target, *target.parents) if folder in part.parents)
    if not location or Path(location).is_absolute() or ".." in Path(location).parts or not inside or linked:
        raise EddlOnnxError(
            _TITLE,
            f"{what} keeps '{tensor.name}' in '{location}', which is outside its folder",
            allowed="plain files in the model's own folder",
            hint="do not open this file unless you know who made it",
        )
    _check_length(target, tensor, entries, what)


def _check_length(target: Path, tensor: Any, entries: dict[str, str], what: str) -> None:
    if not target.is_file():
        raise EddlOnnxError(
            _TITLE, f"{what} keeps '{tensor.name}' in {target}, which is missing", hint="copy it beside the model"
        )
    offset, length = int(entries.get("offset", 0)), int(entries.get("length", 0))
    if offset < 0 or length < 0 or offset + length > target.stat().st_size:
        raise EddlOnnxError(
            _TITLE,
            f"{target} is too short for '{tensor.name}': {target.stat().st_size} bytes, wanted {offset + length}",
            hint="it may have been cut short: copy it again",
        )
