"""Floor 7: the ECVL face. The whole PyECVL API, on OpenCV and the readers of :mod:`deephealth.io`."""
