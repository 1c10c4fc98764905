"""The names of PyECVL 1.3.0, by topic: what programs may ask for, and the source of the table in the documentation."""

from __future__ import annotations

from collections.abc import Iterator

from deephealth.core.legacy import Entry, describe
from deephealth.ecvl.differences import differences_of

__all__ = ["GROUPS", "entries"]

GROUPS: dict[str, str] = {
    "Images": (
        "CopyImage ShallowCopyImage RearrangeChannels ConvertTo Image View_int8 View_int16 View_float32 "
        "ColorType Device"
    ),
    "Element types": "DataTypeSize DataTypeSignedSize DataType",
    "Metadata": "MetaData",
    "Arithmetic": "Neg Add Sub Mul Div",
    "Image processing": (
        "ResizeDim ResizeScale Flip2D Mirror2D Rotate2D RotateFullImage2D ChangeColorSpace Threshold "
        "MultiThreshold OtsuThreshold OtsuMultiThreshold Filter2D SeparableFilter2D GaussianBlur "
        "GaussianBlur2 AdditiveLaplaceNoise AdditivePoissonNoise GammaContrast CoarseDropout "
        "IntegralImage NonMaximaSuppression GetMaxN ConnectedComponentsLabeling FindContours Stack "
        "HConcat VConcat Morphology Inpaint MeanStdDev Transpose GridDistortion ElasticTransform "
        "OpticalDistortion Salt Pepper SaltAndPepper SliceTimingCorrection Moments CentralMoments "
        "DrawEllipse DropColorChannel Normalize CenterCrop ScaleTo ScaleFromTo Pad RandomCrop "
        "ThresholdingType InterpolationType MorphType InpaintType BorderType"
    ),
    "Raster files": "ImRead ImWrite ImReadMode",
    "NIfTI": "NiftiRead NiftiWrite",
    "DICOM": "DicomRead DicomWrite",
    "Whole slides": "OpenSlideImage",
    "Augmentations": (
        "AugmentationParam AugmentationFactory SequentialAugmentationContainer OneOfAugmentationContainer "
        "AugRotate AugResizeDim AugResizeScale AugFlip AugMirror AugGaussianBlur AugAdditiveLaplaceNoise "
        "AugAdditivePoissonNoise AugGammaContrast AugCoarseDropout AugTranspose AugBrightness "
        "AugGridDistortion AugElasticTransform AugOpticalDistortion AugSalt AugPepper AugSaltAndPepper "
        "AugNormalize AugCenterCrop AugToFloat32 AugDivBy255 AugScaleTo AugScaleFromTo AugRandomCrop"
    ),
    "Data sets": "Sample Split Dataset SplitType Task",
    "Data set generators": "GenerateClassificationDataset GenerateSegmentationDataset",
    "Tensors and loading": (
        "ImageToTensor TensorToImage TensorToView MakeGrid DatasetAugmentations DLDataset "
        "ProducersConsumerQueue ThreadCounters"
    ),
}
"""Names of ``pyecvl.ecvl``: topic -> names."""


def entries() -> Iterator[Entry]:
    """Yield every name of PyECVL, then what ``deephealth.ecvl`` has beyond it.

    Example:
        >>> next(entry for entry in entries() if entry.name == "DrawEllipse").status
        'fixed'
    """
    import deephealth.ecvl as ecvl

    known = set()
    for topic, names in GROUPS.items():
        for name in names.split():
            known.add(name)
            yield describe(topic, name, getattr(ecvl, name), differences_of(name))
    for name in sorted(set(ecvl.__all__) - known):
        yield describe("Beyond PyECVL", name, getattr(ecvl, name), differences_of(name), extra=True)
