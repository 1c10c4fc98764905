"""ONNX models as nets, and nets as ONNX models."""
