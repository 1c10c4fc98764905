"""All registered names that a configuration may use, by the path where it may use them."""

from __future__ import annotations

from deephealth.config import Vocabulary

__all__ = ["vocabulary"]


def vocabulary() -> Vocabulary:
    """Return the registries by configuration path, for :func:`deephealth.config.load_config`.

    Example:
        >>> "uc12-skin" in vocabulary()["usecase"]
        True
    """
    from deephealth.data.catalogue import SAMPLERS
    from deephealth.losses.catalogue import LOSSES
    from deephealth.models.catalogue import NETWORKS
    from deephealth.train.catalogue import MIXES, OPTIMIZERS, SCHEDULES
    from deephealth.transforms.catalogue import AUGMENTATIONS, TTA
    from deephealth.usecases.catalogue import USECASES

    return {
        "usecase": USECASES,
        "model.name": NETWORKS,
        "loss": LOSSES,
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
        "trainer.mix": MIXES,
        "data.augment": AUGMENTATIONS,
        "data.sampler": SAMPLERS,
        "evaluate.tta": TTA,
    }
