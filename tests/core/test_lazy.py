from __future__ import annotations

import importlib

import pytest

PACKAGES = ["", ".data", ".infer", ".kpi", ".losses", ".metrics", ".models", ".train", ".transforms", ".usecases"]


@pytest.mark.parametrize("package", [f"deephealth{name}" for name in PACKAGES])
def test_everything_that_a_package_promises_is_there(package):
    module = importlib.import_module(package)
    assert set(module.__all__) <= set(dir(module)) | set(vars(module))
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    import deephealth

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        deephealth.nothing  # noqa: B018
