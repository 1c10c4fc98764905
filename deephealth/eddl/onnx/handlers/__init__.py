"""From ONNX nodes to EDDL layers; importing the package fills the table."""

from deephealth.eddl.onnx.handlers import elementwise, linear, shapes, windows
from deephealth.eddl.onnx.handlers.choose import make_layer
from deephealth.eddl.onnx.handlers.registry import HANDLERS

__all__ = ["HANDLERS", "elementwise", "linear", "make_layer", "shapes", "windows"]
