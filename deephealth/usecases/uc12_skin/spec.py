"""UC12 as data: what it asks, what it reads, what it reports, and what it must not be used for."""

from __future__ import annotations

from deephealth.usecases.spec import UseCase
from deephealth.usecases.uc12_skin.classes import CLASSES, LABEL_NAMES, MALIGNANT
from deephealth.usecases.uc12_skin.layouts import LAYOUTS

__all__ = ["USECASE"]

USECASE = UseCase(
    name="uc12-skin",
    title="Skin cancer in dermoscopy",
    summary=(
        "A dermatologist photographs a pigmented or suspicious skin lesion through a dermatoscope. Classification "
        "gives the probabilities of seven diagnoses (eight with ISIC 2019's squamous cell carcinoma) and, from the "
        "malignant ones, a malignancy score. Segmentation gives the lesion's outline. RGB images, one lesion each; the "
        "same lesion may be photographed several times, so splits and confidence intervals are by lesion."
    ),
    tasks=("classification", "segmentation"),
    layouts=LAYOUTS,
    generate="deephealth.usecases.uc12_skin.generator.write:generate",
    labels=CLASSES,
    label_names=LABEL_NAMES,
    mask_labels=("lesion",),
    positive="mel",
    malignant=MALIGNANT,
    metrics={
        "classification": (
            "balanced_accuracy",
            "macro_auc",
            "auc",
            "sensitivity_at_specificity",
            "confusion",
            "ece",
            "brier",
            "reliability",
        ),
        "segmentation": ("jaccard", "dice", "thresholded_jaccard"),
    },
    configs={"classification": "uc12-skin/classification", "segmentation": "uc12-skin/segmentation"},
    licence=(
        "HAM10000, ISIC 2018 and ISIC 2019 images: CC BY-NC 4.0, so neither they nor networks trained on them may "
        "be used commercially without the owners' leave; name the sources below. Generated images: no licence needed."
    ),
    intended_use=(
        "Research, teaching and development of software. Not for diagnosis: nothing here is a medical device, and no "
        "decision about a patient may rest on it."
    ),
    limits=(
        "Public dermoscopy is mostly of light skin; results say nothing about dark skin until measured on it.",
        "Several images show one lesion. A split by image, as in many published tables, overstates every figure.",
        "Two images in three of HAM10000 are naevi: plain accuracy of 0.67 is what a constant answer gets. Read the "
        "balanced accuracy, beside its majority-class baseline.",
        "Rulers, ink, hairs, the dark rim and the camera's colours go with the hospital, and hospitals with diagnoses; "
        "networks learn such shortcuts.",
        "Only diagnoses of the list exist for the network; it gives anything else one of these names. ISIC 2019's "
        "class UNK has no training image and is left out.",
        "HAM10000 is part of ISIC 2018 and of ISIC 2019: never train on one and test on another.",
        "`akiec` joins precancerous keratosis and carcinoma in situ; it counts as malignant in the malignancy score.",
        "Lesion outlines were drawn or corrected by one reader, and readers differ; a Jaccard of 1 is no sensible aim.",
        "The generator draws what textbooks describe. It is for demonstrations and tests, never the basis of a claim.",
    ),
    references=(
        "Tschandl P, Rosendahl C, Kittler H. The HAM10000 dataset. Sci Data 5:180161 (2018). "
        "doi:10.1038/sdata.2018.161",
        "Codella N et al. Skin lesion analysis toward melanoma detection 2018. arXiv:1902.03368",
        "Tschandl P et al. Human-computer collaboration for skin cancer recognition. Nat Med 26:1229 (2020); its masks "
        "of HAM10000 are HAM10000_segmentations_lesion_tschandl",
        "Combalia M et al. BCN20000: dermoscopic lesions in the wild. arXiv:1908.02288",
        "Argenziano G et al. Dermoscopy of pigmented skin lesions: results of a consensus meeting via the Internet. "
        "J Am Acad Dermatol 48:679 (2003)",
    ),
)
