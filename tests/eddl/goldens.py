"""Run one golden case (what the original EDDL computed) through the public names of ``deephealth.eddl`` and compare.

A case is one ``.npz``: ``config`` says how to rebuild it, the other arrays are inputs, parameters and results. Also a
command: ``python -m tests.eddl.goldens [strict|default] PATTERN…`` prints what differs.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deephealth.core.errors import DeepHealthError

FOLDER = Path(os.environ.get("DEEPHEALTH_EDDL_GOLDENS", Path(__file__).resolve().parents[1] / "golden" / "eddl"))
RTOL, ATOL, RTOL_STEPS = 1e-4, 1e-5, 1e-3
MODES = ("strict", "default")


class Mismatch(NamedTuple):
    """One array that differs from the original's."""

    name: str
    wanted: str
    got: str
    error: float


class Case:
    """A golden case.

    Args:
        path: the ``.npz``.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        with np.load(path, allow_pickle=False) as stored:
            self.arrays: dict[str, np.ndarray] = {name: stored[name] for name in stored.files if name != "config"}
            self.config: dict[str, Any] = json.loads(str(stored["config"]))

    @property
    def kind(self) -> str:
        return str(self.config["kind"])

    def under(self, prefix: str) -> dict[str, np.ndarray]:
        """Arrays whose names begin with ``prefix/``, without it."""
        return {n[len(prefix) + 1 :]: a for n, a in self.arrays.items() if n.startswith(f"{prefix}/")}

    def numbered(self, prefix: str) -> list[np.ndarray]:
        """``prefix/0``, ``prefix/1``, … in order."""
        found = self.under(prefix)
        return [found[key] for key in sorted(found, key=int)]


class Comparison:
    """Collects the mismatches of a case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.mismatches: list[Mismatch] = []
        self.compared = 0

    def check(self, name: str, got: Any) -> None:
        """Compare ``got`` with the stored array ``name``; nothing to do where the original left none."""
        wanted = self.case.arrays.get(name)
        if wanted is None:
            return
        self.compared += 1
        found = compare(name, wanted, got)
        if found is not None:
            self.mismatches.append(found)

    def fail(self, name: str, wanted: Any, got: Any) -> None:
        self.mismatches.append(Mismatch(name, str(wanted), str(got), float("nan")))


def compare(name: str, wanted: np.ndarray, got: Any) -> Mismatch | None:
    """Return how ``got`` differs from ``wanted``, or ``None`` if it does not (within the tolerance of its name)."""
    got = to_array(got)
    if wanted.dtype.kind in "US":
        same = wanted.shape == got.shape and bool(np.all(wanted == got))
        return None if same else Mismatch(name, repr(wanted), repr(got), float("nan"))
    if got.size == 1 and wanted.size == 1:
        got = got.reshape(wanted.shape)
    if wanted.shape != got.shape:
        return Mismatch(name, f"shape {wanted.shape}", f"shape {got.shape}", float("nan"))
    rtol = RTOL_STEPS if name.startswith(("step", "eval", "pred_after")) else RTOL
    wanted64, got64 = wanted.astype(np.float64), got.astype(np.float64)
    if np.allclose(got64, wanted64, rtol=rtol, atol=ATOL, equal_nan=True):
        return None
    with np.errstate(invalid="ignore"):
        error = float(np.nanmax(np.abs(got64 - wanted64), initial=0.0))
    return Mismatch(name, _short(wanted), _short(got), error)


def to_array(value: Any) -> np.ndarray:
    """A Tensor, number, list or array as an array."""
    return np.asarray(value.getdata() if hasattr(value, "getdata") else value)


def _short(array: np.ndarray) -> str:
    return np.array2string(array.ravel()[:6], precision=6, separator=",") + ("…" if array.size > 6 else "")


# ---------------------------------------------------------------------- net


class NetRun:
    """The net of a case, rebuilt, with its parameters set to the original's."""

    def __init__(self, case: Case) -> None:
        import deephealth.eddl as eddl

        self.eddl, self.case, config = eddl, case, case.config
        self.layers: dict[str, Any] = {name: eddl.Input(shape) for name, shape in config["inputs"]}
        decoder = config.get("params", {}).get("decoder")
        if decoder:
            eddl.setDecoder(self.layers[decoder])
        for names, function, args, kwargs in config["layers"]:
            made = getattr(eddl, function)(*self._resolve(args), **self._resolve(kwargs))
            self.layers.update(zip(names, made, strict=True) if isinstance(names, list) else [(names, made)])
        self.input_names = [name for name, _ in config["inputs"] if name != decoder]
        self.net = eddl.Model([self.layers[n] for n in self.input_names], [self.layers[n] for n in config["outputs"]])
        optimizer, options = config["optimizer"]
        self.optimizer = getattr(eddl, optimizer)(**options)
        eddl.build(
            self.net,
            self.optimizer,
            list(config["loss"]),
            list(config["metric"]),
            eddl.CS_CPU(1, config.get("mem", "full_mem")),
        )
        for statement in config.get("pre", []):
            self.execute(statement)
        self.set_params()

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("@"):
            return self.layers[value[1:]]
        if isinstance(value, list):
            return [self._resolve(item) for item in value]
        if isinstance(value, dict):
            return {key: self._resolve(item) for key, item in value.items()}
        return value

    def execute(self, statement: str) -> None:
        names = {"eddl": self.eddl, "net": self.net, "L": self.layers, "optimizer": self.optimizer, "np": np}
        exec(statement, names)

    def set_params(self) -> None:
        """Give every parameter its initial value."""
        by_layer: dict[str, dict[int, np.ndarray]] = {}
        for key, array in self.case.under("param0").items():
            name, _, number = key.rpartition("/")
            by_layer.setdefault(name, {})[int(number)] = array
        place = {id(layer): index for index, layer in enumerate(self.net.layers)}
        values = self.eddl.get_parameters(self.net, deepcopy=True)
        for name, arrays in by_layer.items():
            index = place[id(self.layers[name])]
            # LayerNorm lists statistics of the last batch, whose length changes with it: they are no parameters to set
            own = [to_array(value).shape for value in values[index]]
            values[index] = [
                self.tensor(arrays[j]) if arrays[j].shape == own[j] else values[index][j] for j in sorted(arrays)
            ]
        self.eddl.set_parameters(self.net, values)

    def params(self) -> Iterator[tuple[str, int, Any]]:
        """Layer, number and value of every parameter now."""
        place = {id(layer): index for index, layer in enumerate(self.net.layers)}
        values = self.eddl.get_parameters(self.net, deepcopy=True)
        for name, layer in self.layers.items():
            index = place.get(id(layer))
            for j, value in enumerate(values[index] if index is not None else []):
                yield name, j, value

    def tensor(self, array: np.ndarray) -> Any:
        return self.eddl.Tensor.fromarray(array)

    def inputs(self) -> list[Any]:
        return [self.tensor(self.case.arrays[f"in/{name}"]) for name in self.input_names]

    def targets(self) -> list[Any]:
        return [self.tensor(array) for array in self.case.numbered("target")]


def run_net(case: Case) -> Comparison:
    """Predict; forward and backward once; some steps; evaluate; predict again."""
    result, config = Comparison(case), case.config
    run = NetRun(case)
    _check_graph(run, result)
    if case.numbered("pred"):
        for i, output in enumerate(run.eddl.predict(run.net, run.inputs())):
            result.check(f"pred/{i}", output)
    if config.get("train") and not config.get("recurrent"):
        _train_once(run, result)
        run.set_params()
    if case.numbered("target"):
        _steps(run, result)
    if case.numbered("pred_after"):
        for i, output in enumerate(run.eddl.predict(run.net, run.inputs())):
            result.check(f"pred_after/{i}", output)
    return result


def _check_graph(run: NetRun, result: Comparison) -> None:
    for name, wanted in run.case.config.get("layer_classes", {}).items():
        got = type(run.layers[name]).__name__
        if got != wanted:
            result.fail(f"class/{name}", wanted, got)
    for name, wanted in run.case.config.get("param_counts", {}).items():
        layer = run.layers[name]
        got = [len(run.eddl.getParams(layer)), layer.get_trainable_params_count()]
        if got != wanted:
            result.fail(f"param_counts/{name}", wanted, got)


def _train_once(run: NetRun, result: Comparison) -> None:
    eddl, net = run.eddl, run.net
    eddl.set_mode(net, 1)
    eddl.reset_loss(net)
    eddl.zeroGrads(net)
    eddl.forward(net, run.inputs())
    for name, layer in run.layers.items():
        if f"train/out/{name}" in run.case.arrays:
            result.check(f"train/out/{name}", eddl.getOutput(layer))
    for name, j, value in run.params():
        result.check(f"train/param/{name}/{j}", value)
    eddl.backward(net, run.targets())
    result.check("train/loss", eddl.get_losses(net))
    result.check("train/metric", eddl.get_metrics(net))
    for name in run.input_names:
        result.check(f"train/din/{name}", eddl.getDelta(run.layers[name]))
    for name, layer in run.layers.items():
        for j, value in enumerate(eddl.getGradients(layer)):
            result.check(f"train/grad/{name}/{j}", value)


def _steps(run: NetRun, result: Comparison) -> None:
    eddl, net = run.eddl, run.net
    for step in range(1, run.case.config["steps"] + 1):
        eddl.reset_loss(net)
        eddl.train_batch(net, run.inputs(), run.targets())
        for statement in run.case.config.get("post", []):
            run.execute(statement)
        result.check(f"step{step}/loss", eddl.get_losses(net))
        result.check(f"step{step}/metric", eddl.get_metrics(net))
        for name, j, value in run.params():
            result.check(f"step{step}/param/{name}/{j}", value)
    eddl.reset_loss(net)
    eddl.eval_batch(net, run.inputs(), run.targets())
    result.check("eval/loss", eddl.get_losses(net))
    result.check("eval/metric", eddl.get_metrics(net))


# ---------------------------------------------------------------------- tensor, loss, metric


def run_tensor(case: Case) -> Comparison:
    """``code`` with T = Tensor and the inputs as Tensors; result in R."""
    import deephealth.eddl as eddl

    result = Comparison(case)
    names: dict[str, Any] = {
        "T": eddl.Tensor,
        "np": np,
        "eddl": eddl,
        "TransformationMode": eddl.TransformationMode,
        "WrappingMode": eddl.WrappingMode,
    }
    names.update({name: eddl.Tensor.fromarray(array) for name, array in case.under("in").items()})
    exec(case.config["code"], names)
    got = names["R"]
    for i, value in enumerate(got if isinstance(got, list | tuple) else [got]):
        result.check(f"out/{i}", value)
    return result


def run_loss(case: Case) -> Comparison:
    """``value(T, Y)`` and ``delta(T, Y, D)`` called directly."""
    import deephealth.eddl as eddl

    result, (target, output) = Comparison(case), _pair(case)
    loss = eddl.getLoss(case.config["loss"])
    result.check("value", loss.value(target, output))
    delta = eddl.Tensor.zeros(list(case.arrays["y"].shape))
    loss.delta(target, output, delta)
    result.check("delta", delta)
    return result


def run_metric(case: Case) -> Comparison:
    """``value(T, Y)`` called directly."""
    import deephealth.eddl as eddl

    result, (target, output) = Comparison(case), _pair(case)
    result.check("value", eddl.getMetric(case.config["metric"]).value(target, output))
    return result


def _pair(case: Case) -> tuple[Any, Any]:
    import deephealth.eddl as eddl

    return eddl.Tensor.fromarray(case.arrays["t"]), eddl.Tensor.fromarray(case.arrays["y"])


# ---------------------------------------------------------------------- script


def run_script(case: Case) -> Comparison:
    """Free Python: the results are what it leaves in OUT."""
    import deephealth.eddl as eddl
    from deephealth.eddl import core_api
    from deephealth.eddl.graph.names import reset_names

    def fixparams(net: Any) -> None:
        values = eddl.get_parameters(net, deepcopy=True)
        for key, array in case.under("param").items():
            k, j = map(int, key.split("/"))
            values[k][j] = eddl.Tensor.fromarray(array)
        eddl.set_parameters(net, values)

    def gen(kind: str, shape: Sequence[int], name: str) -> np.ndarray:
        stored = case.arrays.get(name, case.arrays.get(f"in/{name}"))
        return stored if stored is not None else draw(kind, shape)

    reset_names()
    out: dict[str, Any] = {}
    core = types.SimpleNamespace(eddl=core_api, Tensor=eddl.Tensor)
    names = {"T": tensor_of, "gen": gen, "OUT": out, "fixparams": fixparams, "core": core, "eddl": eddl, "np": np}
    with own_folder(), real_stdout():
        exec(case.config["code"], names)
    result = Comparison(case)
    for name in case.arrays:
        if name not in out:
            result.fail(name, "a result", "nothing")
        else:
            result.check(name, out[name])
    return result


def tensor_of(array: Any) -> Any:
    """T(array) in scripts."""
    import deephealth.eddl as eddl

    return eddl.Tensor.fromarray(np.asarray(array, dtype=np.float32))


def draw(kind: str, shape: Sequence[int]) -> np.ndarray:
    """Stand-in for an input that the file does not hold: only its distribution matters then."""
    rng = np.random.default_rng(0)
    kind, _, number = kind.partition(":")
    scale = float(number or 1)
    kinds: dict[str, Callable[[], np.ndarray]] = {
        "pos": lambda: rng.uniform(0.1, 2.0, shape),
        "u01": lambda: rng.uniform(0.0, 1.0, shape),
        "prob": lambda: rng.uniform(0.01, 0.99, shape),
        "bin": lambda: rng.integers(0, 2, shape).astype(float),
        "int": lambda: rng.integers(0, int(scale), shape).astype(float),
        "simplex": lambda: rng.dirichlet(np.ones(shape[-1]), shape[:-1]),
        "normal": lambda: rng.normal(0.0, scale, shape),
    }
    return kinds.get(kind, kinds["normal"])().astype(np.float32)


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """Work in an empty folder."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


@contextlib.contextmanager
def real_stdout() -> Iterator[None]:
    """Let ``sys.stdout`` write to file descriptor 1, as outside pytest, for scripts that redirect the descriptor."""
    with open(1, "w", closefd=False, encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
        yield


# ---------------------------------------------------------------------- onnx


def run_onnx(case: Case) -> Comparison:
    """Predict; export and import again; import the original's own file."""
    import deephealth.eddl as eddl

    names: dict[str, Any] = {"eddl": eddl, "np": np}
    exec(case.config["code"], names)
    net = eddl.Model([names["i"]], [names["o"]])
    eddl.build(net, eddl.sgd(0.01), ["mse"], ["mse"], eddl.CS_CPU(1))
    values = eddl.get_parameters(net, deepcopy=True)
    for key, array in case.under("param").items():
        k, j = map(int, key.split("/"))
        values[k][j] = eddl.Tensor.fromarray(array)
    eddl.set_parameters(net, values)
    result = Comparison(case)
    x = case.arrays["x"]
    result.check("pred", eddl.predict(net, [eddl.Tensor.fromarray(x)])[0])
    again = eddl.import_net_from_onnx_string(eddl.serialize_net_to_onnx_string(net, False))
    result.check("pred_reimported", _predict_imported(again, x))
    theirs = eddl.import_net_from_onnx_string(case.arrays["onnx"].astype(np.uint8).tobytes())
    result.check("pred_reimported", _predict_imported(theirs, x))
    return result


def _predict_imported(net: Any, x: np.ndarray) -> Any:
    import deephealth.eddl as eddl

    eddl.build(net, eddl.sgd(0.01), ["mse"], ["mse"], eddl.CS_CPU(1), init_weights=False)
    return eddl.predict(net, [eddl.Tensor.fromarray(x)])[0]


RUNNERS: Mapping[str, Callable[[Case], Comparison]] = {
    "net": run_net,
    "tensor": run_tensor,
    "loss": run_loss,
    "metric": run_metric,
    "script": run_script,
    "onnx": run_onnx,
}


def run_case(path: Path, mode: str = "default") -> list[Mismatch]:
    """Run a case and return what differs.

    Args:
        path: the ``.npz``.
        mode: ``strict`` or ``default``.
    """
    from deephealth.eddl.strictness import strict_mode

    case = Case(path)
    try:
        with strict_mode(mode == "strict"):
            result = RUNNERS[case.kind](case)
    except DeepHealthError as error:
        return [Mismatch("raised", "a result", f"{type(error).__name__}: {error}", float("nan"))]
    if not result.compared and not result.mismatches:
        result.fail("nothing", "at least one result", "none compared")
    return result.mismatches


def main(arguments: Sequence[str]) -> int:
    """Print what differs, for the cases that the patterns name."""
    modes = [a for a in arguments if a in MODES] or list(MODES)
    patterns = [a for a in arguments if a not in MODES] or ["*"]
    paths = [p for p in sorted(FOLDER.glob("*.npz")) if any(fnmatch.fnmatch(p.stem, q) for q in patterns)]
    failed = 0
    for mode in modes:
        passed = 0
        for path in paths:
            try:
                mismatches = run_case(path, mode)
            except Exception as error:
                mismatches = [Mismatch("raised", "", f"{type(error).__name__}: {error}".replace("\n", " ")[:300], 0.0)]
            passed += not mismatches
            for m in mismatches[:3]:
                sys.stderr.write(f"{mode} {path.stem} {m.name}: wanted {m.wanted} got {m.got} (error {m.error:.3g})\n")
        failed += len(paths) - passed
        sys.stderr.write(f"{mode}: {passed} of {len(paths)}\n")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
