"""Names in the words of medicine: Baker's cyst, Weber fracture, Morbus Wilson."""

from __future__ import annotations

from deephealth.lake.text.vocabulary import Vocabulary
from deephealth.lake.text.words import Words

__all__ = ["is_eponym"]

_NOUNS = frozenset(
    "syndrome syndrom sindrome disease diseases disorder fracture fractures fraktur fractura frattura cyst cysts palsy sign signs type typ tipo classification klassifikation clasificacion classificazione grade grad grado stage stadium view views view's "
    "method methode metodo line angle winkel shunt procedure operation op technique technik maneuver manoeuvre position projection test score index criteria kriterien node nodes lymphoma lymphom linfoma tumor tumour tumeur tumore sarcoma sarkom carcinoma anomaly malformation deformity "
    "abnormality lesion lesions injury ligament canal duct tunnel space fossa foramen pouch triangle membrane sheath tube catheter katheter drain filter stent stents valve graft prosthesis nail pin screw rod plate implant coil plug clip splint tear cell cells body bodies gland glands fascia tubercle node's "
    "lines ring artery vein plexus ganglion loop capsule pseudocyst hernia hernie ernia diverticulum divertikel divertikulum esophagus osophagus phenomenon phanomen reaction contracture contracture's spots disease's law morbus krankheit zyste bruch lahmung maladie enfermedad malattia morbo kyste quiste cisti fraktur's "
    "area bundle fibers fibres nucleus formula equation curve scale scala skala map atlas protocol kernel filter's ratio law thyroiditis nephropathy ataxia chorea dystrophy aneurysm aneurysma encephalopathy cirrhosis arthroplasty osteotomy repair bypass incision approach flap pouch's pad nodules amputation".split()
)
_BEFORE = frozenset(
    "morbus syndrome syndrom sindrome maladie malattia morbo enfermedad disease fracture fractura frattura fraktur kyste quiste cisti signe signo segno ligament espace canal canale conducto typ type tipo anomalie modified nach según segun secondo selon after according".split()
)


def is_eponym(words: Words, first: int, last: int, vocabulary: Vocabulary) -> bool:
    """Return whether the words from ``first`` to ``last`` name a disease, a sign, a device ... rather than somebody.

    Example:
        >>> from deephealth.lake.text.vocabulary import load_vocabulary
        >>> [is_eponym(Words(text), 0, 0, load_vocabulary()) for text in ("Wilson's disease", "Wilson has cough")]
        [True, False]
    """
    listed = words.words

    def tied(index: int, between: int) -> bool:
        """Return whether a hyphen ties the name to a word of medicine: ``Weber-Fraktur``, ``Creutzfeldt-Jakob``."""
        if not 0 <= index < len(listed) or words.gap(between) != "-":
            return False
        return listed[index].folded in vocabulary.clinical or listed[index].folded in _NOUNS

    if tied(first - 1, first - 1) or tied(last + 1, last):
        return True
    if first > 0 and words.gap(first - 1) in (" ", "/", "-") and listed[first - 1].folded in vocabulary.eponyms:
        return True  # "Salter Harris"
    after = [word.folded for word in listed[last + 1 : last + 4]]
    if after and after[0] == "s":
        after = after[1:]
    before = [word.folded for word in listed[max(0, first - 2) : first]]
    return bool(_NOUNS.intersection(after[:2]) or _BEFORE.intersection(before))
