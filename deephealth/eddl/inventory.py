"""The names of PyEDDL 1.3.1, by topic: what programs may ask for, and the source of the table in the documentation."""

from __future__ import annotations

from collections.abc import Iterator

from deephealth.core.legacy import Entry, describe
from deephealth.eddl.differences import differences_of

__all__ = ["CLASSES", "GROUPS", "TENSOR_METHODS", "TENSOR_STATICS", "entries"]

GROUPS: dict[str, str] = {
    "Models and parameters": ("Model setName getLayer removeLayer initializeLayer get_parameters set_parameters build"),
    "Computing services": "toGPU toCPU toFPGA CS_CPU CS_GPU CS_FPGA CS_COMPSS",
    "Information": "setlogfile summary plot",
    "Serialization": "load save",
    "Optimizers": "setlr adadelta adam adagrad adamax nadam rmsprop sgd",
    "Training: whole runs": "fit evaluate predict",
    "Training: batches": "random_indices train_batch eval_batch next_batch",
    "Training: single passes": (
        "set_mode reset_loss forward zeroGrads backward optimize update print_loss get_losses get_metrics"
    ),
    "Constraints": "clamp",
    "Losses, metrics, graph, profile": (
        "compute_loss compute_metric getLoss newloss getMetric detach show_profile reset_profile"
    ),
    "Core layers": (
        "Activation Softmax Sigmoid HardSigmoid ReLu ThresholdedReLu LeakyReLu Elu Selu Exponential Softplus "
        "Softsign Linear Tanh Conv Conv1D Conv2D Conv3D PointwiseConv PointwiseConv2D DepthwiseConv2D Dense "
        "Dropout Input UpSampling UpSampling2D UpSampling3D Resize Reshape Transform Flatten Repeat Tile "
        "Broadcast Bypass Shape Squeeze Unsqueeze ConvT2D ConvT3D Embedding Transpose ConstOfTensor Where"
    ),
    "Transformation layers": (
        "Crop CenteredCrop CropScale Cutout Flip HorizontalFlip Pad Rotate Scale Shift VerticalFlip"
    ),
    "Data augmentation layers": (
        "RandomCrop RandomCropScale RandomCutout RandomFlip RandomHorizontalFlip RandomRotation RandomScale "
        "RandomShift RandomVerticalFlip"
    ),
    "Merge layers": "Add Average Concat MatMul Maximum Minimum Subtract",
    "Noise layers": "GaussianNoise",
    "Normalization": "BatchNormalization LayerNormalization GroupNormalization Norm NormMax NormMinMax",
    "Operator layers": (
        "Abs Sub Diff Div Exp Log Log2 Log10 Clamp Clip Mult Pow Sqrt Sum Select Slice Expand Split Permute"
    ),
    "Reduction layers": "ReduceMean ReduceVar ReduceSum ReduceMax ReduceMin ReduceArgMax",
    "Generator layers": "GaussGenerator UniformGenerator",
    "Pooling layers": (
        "AveragePool AvgPool AveragePool1D AvgPool1D AveragePool2D AvgPool2D AveragePool3D AvgPool3D "
        "GlobalMaxPool GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalAveragePool GlobalAvgPool "
        "GlobalAveragePool1D GlobalAvgPool1D GlobalAveragePool2D GlobalAvgPool2D GlobalAveragePool3D "
        "GlobalAvgPool3D MaxPool MaxPool1D MaxPool2D MaxPool3D"
    ),
    "Recurrent layers": "RNN LSTM States GRU setDecoder GetStates",
    "Layers of a net": "setTrainable getOut",
    "Tensors inside layers": (
        "getOutput getInput getDelta getParam getGradient getState getParams getGradients getStates copyOutput "
        "copyDelta copyParam copyGradient distributeParams"
    ),
    "Initializers": "GlorotNormal GlorotUniform HeNormal HeUniform RandomNormal RandomUniform Constant",
    "Regularizers": "L2 L1 L1L2",
    "Predictions as text": "get_topk_predictions",
    "Pretrained networks": (
        "download_model download_vgg16 download_vgg16_bn download_vgg19 download_vgg19_bn download_resnet18 "
        "download_resnet34 download_resnet50 download_resnet101 download_resnet152 download_densenet121"
    ),
    "Data sets": (
        "exist download_mnist download_cifar10 download_drive download_imdb_2000 download_eutrans download_flickr"
    ),
    "Accelerators": "download_hlsinf",
    "ONNX": (
        "save_net_to_onnx_file import_net_from_onnx_file serialize_net_to_onnx_string import_net_from_onnx_string"
    ),
}
"""Functions of ``pyeddl.eddl``: topic -> names."""

TENSOR_STATICS: str = (
    "fromarray zeros ones full arange range linspace logspace eye randu randn copy load d_clamp mult2D concat "
    "concat_back stack repeat repeat_desc tile broadcast onehot hardware_supported is_hardware_supported"
)
"""Static functions of ``pyeddl.tensor.Tensor``."""

TENSOR_METHODS: str = (
    "getdata toCPU toGPU clone select set_select save abs_ abs acos_ acos add_ add asin_ asin atan_ atan ceil_ "
    "ceil clamp_ clamp clampmax_ clampmax clampmin_ clampmin cos_ cos cosh_ cosh diag_ diag div_ div exp_ exp "
    "floor_ floor log_ log log2_ log2 log10_ log10 logn_ logn max min mod_ mod mult_ mult neg_ neg normalize_ "
    "normalize reciprocal_ reciprocal round_ round rsqrt_ rsqrt sigmoid_ sigmoid sign_ sign sin_ sin sinh_ sinh "
    "sqr_ sqr sqrt_ sqrt sub_ sub tan_ tan tanh_ tanh trace trunc_ trunc scale fill_ reshape_ print info "
    "getShape"
)
"""Methods of ``pyeddl.tensor.Tensor``."""

CLASSES: str = (
    "Tensor Loss CompServ Metric Initializer Regularizer Layer Optimizer SGD Adam AdaDelta Adagrad Adamax Nadam "
    "RMSProp Net NetLoss LOG_LEVEL TransformationMode WrappingMode"
)
"""Classes of ``pyeddl._core``, ``pyeddl.eddl`` and ``pyeddl.utils``."""


def entries() -> Iterator[Entry]:
    """Yield every name of PyEDDL, then what ``deephealth.eddl`` has beyond it.

    Example:
        >>> next(entry for entry in entries() if entry.name == "rmsprop").status
        'fixed'
    """
    import deephealth.eddl as eddl

    known = {"Tensor"}
    for topic, names in GROUPS.items():
        for name in names.split():
            known.add(name)
            yield _entry(topic, name, getattr(eddl, name))
    for name in f"{TENSOR_STATICS} {TENSOR_METHODS}".split():
        yield _entry("Tensor", f"Tensor.{name}", getattr(eddl.Tensor, name))
    for name in CLASSES.split():
        known.add(name)
        if hasattr(eddl, name):
            yield _entry("Classes", name, getattr(eddl, name))
    for name in sorted(set(eddl.__all__) - known):
        yield _entry("Beyond PyEDDL", name, getattr(eddl, name), extra=True)


def _entry(topic: str, name: str, thing: object, *, extra: bool = False) -> Entry:
    return describe(topic, name, thing, differences_of(name), extra=extra)
