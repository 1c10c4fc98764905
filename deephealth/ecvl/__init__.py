"""Floor 7: the ECVL face. The whole PyECVL API, on OpenCV and the readers of :mod:`deephealth.io`.

``import deephealth.ecvl as ecvl`` instead of ``import pyecvl.ecvl as ecvl`` is all that an old program has to change,
and ``deephealth run-legacy prog.py`` spares even that. Names are imported on first use.

Example:
    >>> import numpy as np
    >>> from deephealth import ecvl
    >>> image = ecvl.Image.fromarray(np.full((480, 640, 3), 50, np.uint8), "yxc", ecvl.ColorType.RGB)
    >>> ecvl.ResizeDim(image, image, [320, 240])
    >>> ecvl.AugmentationFactory.create("AugBrightness beta=[20,20]").Apply(image)
    >>> image, int(np.array(image).max())
    (<Image yxc 240 x 320 x 3 uint8 RGB>, 70)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.ecvl.arithmetic import *  # noqa: F403
    from deephealth.ecvl.augmentations.base import *  # noqa: F403
    from deephealth.ecvl.augmentations.chance import *  # noqa: F403
    from deephealth.ecvl.augmentations.distortion import *  # noqa: F403
    from deephealth.ecvl.augmentations.factory import *  # noqa: F403
    from deephealth.ecvl.augmentations.geometry import *  # noqa: F403
    from deephealth.ecvl.augmentations.intensity import *  # noqa: F403
    from deephealth.ecvl.augmentations.noise import *  # noqa: F403
    from deephealth.ecvl.augmentations.param import *  # noqa: F403
    from deephealth.ecvl.codecs.dicom import *  # noqa: F403
    from deephealth.ecvl.codecs.imread import *  # noqa: F403
    from deephealth.ecvl.codecs.nifti import *  # noqa: F403
    from deephealth.ecvl.codecs.openslide import *  # noqa: F403
    from deephealth.ecvl.copying import *  # noqa: F403
    from deephealth.ecvl.dataset.counters import *  # noqa: F403
    from deephealth.ecvl.dataset.dataset_augmentations import *  # noqa: F403
    from deephealth.ecvl.dataset.dldataset import *  # noqa: F403
    from deephealth.ecvl.dataset.generator import *  # noqa: F403
    from deephealth.ecvl.dataset.parser import *  # noqa: F403
    from deephealth.ecvl.dataset.queue import *  # noqa: F403
    from deephealth.ecvl.dataset.sample import *  # noqa: F403
    from deephealth.ecvl.dataset.split import *  # noqa: F403
    from deephealth.ecvl.enums import *  # noqa: F403
    from deephealth.ecvl.errors import *  # noqa: F403
    from deephealth.ecvl.image import *  # noqa: F403
    from deephealth.ecvl.imgproc.colour import *  # noqa: F403
    from deephealth.ecvl.imgproc.cropping import *  # noqa: F403
    from deephealth.ecvl.imgproc.distortion import *  # noqa: F403
    from deephealth.ecvl.imgproc.drawing import *  # noqa: F403
    from deephealth.ecvl.imgproc.filters import *  # noqa: F403
    from deephealth.ecvl.imgproc.flips import *  # noqa: F403
    from deephealth.ecvl.imgproc.gaussian import *  # noqa: F403
    from deephealth.ecvl.imgproc.inpainting import *  # noqa: F403
    from deephealth.ecvl.imgproc.intensity import *  # noqa: F403
    from deephealth.ecvl.imgproc.joining import *  # noqa: F403
    from deephealth.ecvl.imgproc.labels import *  # noqa: F403
    from deephealth.ecvl.imgproc.moments import *  # noqa: F403
    from deephealth.ecvl.imgproc.morphology import *  # noqa: F403
    from deephealth.ecvl.imgproc.noise import *  # noqa: F403
    from deephealth.ecvl.imgproc.peaks import *  # noqa: F403
    from deephealth.ecvl.imgproc.resizing import *  # noqa: F403
    from deephealth.ecvl.imgproc.rotation import *  # noqa: F403
    from deephealth.ecvl.imgproc.slice_timing import *  # noqa: F403
    from deephealth.ecvl.imgproc.statistics import *  # noqa: F403
    from deephealth.ecvl.imgproc.threshold import *  # noqa: F403
    from deephealth.ecvl.metadata import *  # noqa: F403
    from deephealth.ecvl.strictness import *  # noqa: F403
    from deephealth.ecvl.tensors import *  # noqa: F403
    from deephealth.ecvl.version import *  # noqa: F403
    from deephealth.ecvl.views import *  # noqa: F403

_BY_HOME = {
    "arithmetic": "Add Div Mul Neg Sub",
    "augmentations.base": "Augmentation",
    "augmentations.param": "AugmentationParam",
    "augmentations.chance": "AugFlip AugMirror AugTranspose",
    "augmentations.distortion": "AugElasticTransform AugGridDistortion AugOpticalDistortion",
    "augmentations.factory": "AugmentationFactory OneOfAugmentationContainer SequentialAugmentationContainer",
    "augmentations.geometry": "AugCenterCrop AugRandomCrop AugResizeDim AugResizeScale AugRotate",
    "augmentations.intensity": (
        "AugBrightness AugDivBy255 AugGammaContrast AugGaussianBlur AugNormalize AugScaleFromTo AugScaleTo AugToFloat32"
    ),
    "augmentations.noise": (
        "AugAdditiveLaplaceNoise AugAdditivePoissonNoise AugCoarseDropout AugPepper AugSalt AugSaltAndPepper"
    ),
    "codecs.dicom": "DicomRead DicomWrite",
    "codecs.imread": "ImRead ImReadMulti ImWrite",
    "codecs.nifti": "NiftiRead NiftiWrite",
    "codecs.openslide": "OpenSlideGetLevels OpenSlideImage OpenSlideRead",
    "copying": "ConvertTo CopyImage RearrangeChannels ShallowCopyImage",
    "dataset.counters": "ThreadCounters",
    "dataset.dataset_augmentations": "DatasetAugmentations",
    "dataset.dldataset": "DLDataset",
    "dataset.generator": "GenerateClassificationDataset GenerateSegmentationDataset",
    "dataset.parser": "Dataset",
    "dataset.queue": "ProducersConsumerQueue",
    "dataset.sample": "Sample",
    "dataset.split": "Split",
    "enums": (
        "BorderType ColorType DataType DataTypeSignedSize DataTypeSize Device ImReadMode "
        "InpaintType InterpolationType MorphType SplitType Task ThresholdingType"
    ),
    "errors": "EcvlDataError EcvlError EcvlKeyError EcvlValueError",
    "image": "Image",
    "imgproc.colour": "ChangeColorSpace DropColorChannel",
    "imgproc.cropping": "CenterCrop Pad RandomCrop",
    "imgproc.distortion": "ElasticTransform GridDistortion OpticalDistortion",
    "imgproc.drawing": "DrawEllipse",
    "imgproc.filters": "Filter2D IntegralImage SeparableFilter2D",
    "imgproc.flips": "Flip2D Mirror2D Transpose",
    "imgproc.gaussian": "GaussianBlur GaussianBlur2",
    "imgproc.inpainting": "Inpaint",
    "imgproc.intensity": "GammaContrast Normalize ScaleFromTo ScaleTo",
    "imgproc.joining": "HConcat Stack VConcat",
    "imgproc.labels": "ConnectedComponentsLabeling FindContours",
    "imgproc.moments": "CentralMoments Moments",
    "imgproc.morphology": "Morphology",
    "imgproc.noise": "AdditiveLaplaceNoise AdditivePoissonNoise CoarseDropout Pepper Salt SaltAndPepper",
    "imgproc.peaks": "GetMaxN NonMaximaSuppression",
    "imgproc.resizing": "ResizeDim ResizeScale",
    "imgproc.rotation": "Rotate2D RotateFullImage2D",
    "imgproc.slice_timing": "SliceTimingCorrection",
    "imgproc.statistics": "Histogram MeanStdDev",
    "imgproc.threshold": "MultiThreshold OtsuMultiThreshold OtsuThreshold Threshold",
    "metadata": "MetaData",
    "strictness": "is_strict strict strict_mode",
    "tensors": "ImageToTensor MakeGrid TensorToImage TensorToView",
    "version": "ECVL_EDDL ECVL_WITH_DICOM ECVL_WITH_OPENSLIDE",
    "views": (
        "ConstView ContiguousView View View_float32 View_float64 View_int16 View_int32 View_int64 "
        "View_int8 View_uint16 View_uint8"
    ),
}
_HOMES = {name: f"deephealth.ecvl.{home}" for home, names in _BY_HOME.items() for name in names.split()}

__all__ = sorted(_HOMES)

_get, __dir__ = lazy_exports(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    return _get(name)
