"""Floor 6: the EDDL face. The whole PyEDDL API on torch: every net is a ``torch.nn.Module``.

``import deephealth.eddl as eddl`` instead of ``import pyeddl.eddl as eddl`` is all that an old program has to change,
and ``deephealth run-legacy prog.py`` spares even that. Names are imported on first use.

Example:
    >>> from deephealth import eddl
    >>> x = eddl.Input([784])
    >>> net = eddl.Model([x], [eddl.Softmax(eddl.Dense(eddl.ReLu(eddl.Dense(x, 64)), 10))])
    >>> eddl.build(net, eddl.adam(0.001), ["softmax_cross_entropy"], ["accuracy"], eddl.CS_CPU())
    >>> eddl.train_batch(net, [eddl.Tensor.randu([8, 784])], [eddl.Tensor.onehot(eddl.Tensor.zeros([8]), 10)])
    >>> sum(p.numel() for p in net.module.parameters())
    50890
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.eddl.data.accelerators import *  # noqa: F403
    from deephealth.eddl.data.datasets import *  # noqa: F403
    from deephealth.eddl.data.pretrained import *  # noqa: F403
    from deephealth.eddl.data.topk import *  # noqa: F403
    from deephealth.eddl.errors import *  # noqa: F403
    from deephealth.eddl.graph.layer import *  # noqa: F403
    from deephealth.eddl.graph.names import *  # noqa: F403
    from deephealth.eddl.initial.functions import *  # noqa: F403
    from deephealth.eddl.layers.activations import *  # noqa: F403
    from deephealth.eddl.layers.augmentation import *  # noqa: F403
    from deephealth.eddl.layers.convolutions import *  # noqa: F403
    from deephealth.eddl.layers.core import *  # noqa: F403
    from deephealth.eddl.layers.crops import *  # noqa: F403
    from deephealth.eddl.layers.embedding import *  # noqa: F403
    from deephealth.eddl.layers.generators import *  # noqa: F403
    from deephealth.eddl.layers.global_pooling import *  # noqa: F403
    from deephealth.eddl.layers.merge import *  # noqa: F403
    from deephealth.eddl.layers.noise import *  # noqa: F403
    from deephealth.eddl.layers.normalization import *  # noqa: F403
    from deephealth.eddl.layers.operators import *  # noqa: F403
    from deephealth.eddl.layers.pooling import *  # noqa: F403
    from deephealth.eddl.layers.recurrent import *  # noqa: F403
    from deephealth.eddl.layers.reductions import *  # noqa: F403
    from deephealth.eddl.layers.repetition import *  # noqa: F403
    from deephealth.eddl.layers.resize import *  # noqa: F403
    from deephealth.eddl.layers.selection import *  # noqa: F403
    from deephealth.eddl.layers.shapes import *  # noqa: F403
    from deephealth.eddl.layers.special import *  # noqa: F403
    from deephealth.eddl.layers.torch_layer import *  # noqa: F403
    from deephealth.eddl.layers.transformations import *  # noqa: F403
    from deephealth.eddl.layers.transposed import *  # noqa: F403
    from deephealth.eddl.layers.upsampling import *  # noqa: F403
    from deephealth.eddl.net.building import *  # noqa: F403
    from deephealth.eddl.net.layer_tensors import *  # noqa: F403
    from deephealth.eddl.net.model import *  # noqa: F403
    from deephealth.eddl.net.net import *  # noqa: F403
    from deephealth.eddl.net.netloss import *  # noqa: F403
    from deephealth.eddl.net.parameters import *  # noqa: F403
    from deephealth.eddl.net.passes import *  # noqa: F403
    from deephealth.eddl.net.profiling import *  # noqa: F403
    from deephealth.eddl.net.report import *  # noqa: F403
    from deephealth.eddl.net.services import *  # noqa: F403
    from deephealth.eddl.net.training import *  # noqa: F403
    from deephealth.eddl.objective.loss import *  # noqa: F403
    from deephealth.eddl.objective.metric import *  # noqa: F403
    from deephealth.eddl.objective.names import *  # noqa: F403
    from deephealth.eddl.onnx.exporting import *  # noqa: F403
    from deephealth.eddl.onnx.importing import *  # noqa: F403
    from deephealth.eddl.onnx.log_level import *  # noqa: F403
    from deephealth.eddl.onnx.travelling import *  # noqa: F403
    from deephealth.eddl.optim.adadelta import *  # noqa: F403
    from deephealth.eddl.optim.adagrad import *  # noqa: F403
    from deephealth.eddl.optim.adam import *  # noqa: F403
    from deephealth.eddl.optim.adamax import *  # noqa: F403
    from deephealth.eddl.optim.functions import *  # noqa: F403
    from deephealth.eddl.optim.nadam import *  # noqa: F403
    from deephealth.eddl.optim.optimizer import *  # noqa: F403
    from deephealth.eddl.optim.rmsprop import *  # noqa: F403
    from deephealth.eddl.optim.sgd import *  # noqa: F403
    from deephealth.eddl.optim.torch_optimizer import *  # noqa: F403
    from deephealth.eddl.strictness import *  # noqa: F403
    from deephealth.eddl.tensor.modes import *  # noqa: F403
    from deephealth.eddl.tensor.tensor import *  # noqa: F403

_BY_HOME = {
    "net.model": "Model setName getLayer removeLayer initializeLayer setTrainable",
    "net.parameters": "get_parameters set_parameters load save setlr clamp",
    "net.building": "build",
    "net.services": "toGPU toCPU toFPGA CS_CPU CS_GPU CS_FPGA CS_COMPSS CompServ",
    "net.report": "setlogfile summary plot print_loss",
    "optim.functions": "adadelta adam adagrad adamax nadam rmsprop sgd",
    "net.training": "fit evaluate predict random_indices train_batch eval_batch next_batch",
    "net.passes": "set_mode reset_loss forward zeroGrads backward optimize update get_losses get_metrics detach getOut",
    "net.netloss": "compute_loss compute_metric newloss newmetric NetLoss",
    "objective.names": "getLoss getMetric",
    "net.profiling": "show_profile reset_profile",
    "layers.activations": (
        "Activation Softmax Sigmoid HardSigmoid ReLu ThresholdedReLu LeakyReLu Elu Selu Exponential Softplus "
        "Softsign Linear Tanh"
    ),
    "layers.convolutions": "Conv Conv1D Conv2D Conv3D PointwiseConv PointwiseConv2D DepthwiseConv2D",
    "layers.core": "Dense Dropout Input",
    "layers.upsampling": "UpSampling UpSampling2D",
    "layers.resize": "UpSampling3D Resize",
    "layers.shapes": "Reshape Flatten Squeeze Unsqueeze Transpose Permute",
    "layers.special": "Transform Bypass Shape ConstOfTensor Where",
    "layers.repetition": "Repeat Tile Broadcast Expand",
    "layers.transposed": "ConvT2D ConvT3D",
    "layers.embedding": "Embedding",
    "layers.crops": "Crop CenteredCrop CropScale Cutout Pad",
    "layers.transformations": "Flip HorizontalFlip Rotate Scale Shift VerticalFlip",
    "layers.augmentation": (
        "RandomCrop RandomCropScale RandomCutout RandomFlip RandomHorizontalFlip RandomRotation RandomScale "
        "RandomShift RandomVerticalFlip"
    ),
    "layers.merge": "Add Average Concat MatMul Maximum Minimum Subtract",
    "layers.noise": "GaussianNoise",
    "layers.normalization": "BatchNormalization LayerNormalization GroupNormalization Norm NormMax NormMinMax",
    "layers.operators": "Abs Sub Diff Div Exp Log Log2 Log10 Clamp Clip Mult Pow Sqrt Sum",
    "layers.selection": "Select Slice Split",
    "layers.reductions": "ReduceMean ReduceVar ReduceSum ReduceMax ReduceMin ReduceArgMax",
    "layers.generators": "GaussGenerator UniformGenerator",
    "layers.pooling": (
        "AveragePool AvgPool AveragePool1D AvgPool1D AveragePool2D AvgPool2D AveragePool3D AvgPool3D MaxPool "
        "MaxPool1D MaxPool2D MaxPool3D"
    ),
    "layers.global_pooling": (
        "GlobalMaxPool GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalAveragePool GlobalAvgPool "
        "GlobalAveragePool1D GlobalAvgPool1D GlobalAveragePool2D GlobalAvgPool2D GlobalAveragePool3D "
        "GlobalAvgPool3D"
    ),
    "layers.recurrent": "RNN LSTM States GRU setDecoder GetStates",
    "net.layer_tensors": (
        "getOutput getInput getDelta getParam getGradient getState getParams getGradients getStates "
        "copyOutput copyDelta copyParam copyGradient distributeParams"
    ),
    "initial.functions": "GlorotNormal GlorotUniform HeNormal HeUniform RandomNormal RandomUniform Constant L2 L1 L1L2",
    "data.topk": "get_topk_predictions",
    "data.pretrained": (
        "download_model download_vgg16 download_vgg16_bn download_vgg19 download_vgg19_bn download_resnet18 "
        "download_resnet34 download_resnet50 download_resnet101 download_resnet152 download_densenet121"
    ),
    "data.datasets": (
        "exist download_mnist download_cifar10 download_drive download_imdb_2000 download_eutrans download_flickr"
    ),
    "data.accelerators": "download_hlsinf",
    "onnx.log_level": "LOG_LEVEL",
    "onnx.exporting": "save_net_to_onnx_file serialize_net_to_onnx_string",
    "onnx.importing": "import_net_from_onnx_file import_net_from_onnx_string",
    "tensor.tensor": "Tensor DEV_CPU DEV_GPU",
    "strictness": "strict is_strict strict_mode",
    "layers.torch_layer": "from_torch",
    "graph.layer": "Layer",
    "net.net": "Net",
    "objective.loss": "Loss",
    "objective.metric": "Metric",
    "optim.optimizer": "Optimizer",
    "optim.torch_optimizer": "TorchOptimizer",
    "optim.sgd": "SGD",
    "optim.adam": "Adam",
    "optim.adadelta": "AdaDelta",
    "optim.adagrad": "Adagrad",
    "optim.adamax": "Adamax",
    "optim.nadam": "Nadam",
    "optim.rmsprop": "RMSProp",
    "errors": "EddlError EddlOnnxError EddlShapeError EddlUnsupportedError EddlValueError",
    "onnx.travelling": "set_weights_from_onnx apply_grads_from_onnx",
    "tensor.modes": "TransformationMode WrappingMode",
    "graph.names": "reset_names",
}
_HOMES = {name: f"deephealth.eddl.{home}" for home, names in _BY_HOME.items() for name in names.split()}

__all__ = sorted(_HOMES)

_get, __dir__ = lazy_exports(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    return _get(name)
