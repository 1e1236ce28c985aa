"""A calibration as a system file that others extend."""

from __future__ import annotations

import io
import math

import numpy as np

from hamodel._fields import nested
from hamodel.calibration._estimate import Calibration, Estimate
from hamodel.calibration._fit import Fit

_STAGES = ("fencing", "promotion", "redirection")  # that an outage as a whole has in it
_NO_FIELD = ".beta"  # of the failures counted apart under `everywhere`
_FAMILIES = ("exponential", "lognormal", "gamma")
_MOST = 200  # recorded values that are written out


def to_yaml(calibration: Calibration, extends: str = "") -> str:
    """Return a system file with the parameters of a calibration, for others to extend.

    Parameters
    ----------
    calibration : Calibration
        What observations tell.
    extends : str
        What the file itself extends: a preset, or another file; empty: nothing.

    Returns
    -------
    str
        Each parameter as what is believed of it, with what it stands on; the warnings
        are comments at the head.

    Examples
    --------
    >>> from hamodel.calibration import counted
    >>> print(to_yaml(counted(19, "1183 min", "1 yr"), "etcd").splitlines()[1])
    extends: etcd
    """
    from ruamel.yaml import YAML

    values: dict[str, object] = {}
    for path, estimate in calibration.parameters.items():
        if _has_no_field(path):
            continue
        if path == "failover.outage":
            values["failover.detection"] = _law_of(calibration, path, estimate)
            for stage in _STAGES:
                values[f"failover.{stage}"] = "0 s"
        elif path in calibration.fits and _takes_a_law(path):
            values[path] = _law_of(calibration, path, estimate)
        else:
            values[path] = _belief_of(estimate)
    out = io.StringIO()
    yaml = YAML()
    yaml.width = 100
    tree = nested(values)
    yaml.dump({"extends": extends, **tree} if extends else tree, out)
    lines = [f"# {said}" for said in _remarks(calibration)]
    return "\n".join([*lines, out.getvalue()])


def _remarks(calibration: Calibration) -> list[str]:
    """Return what the head of the file says."""
    said = ["Measured by `hamodel calibrate`; a file takes it by `extends`."]
    said += [
        f"{path}: {estimate.text}; {estimate.how} (no field of a file)"
        for path, estimate in calibration.parameters.items()
        if _has_no_field(path)
    ]
    return [*said, *(line for w in calibration.warnings for line in w.splitlines())]


def _has_no_field(path: str) -> bool:
    """Tell whether no field of a file holds it: of failures together, and of lag."""
    return path.endswith(_NO_FIELD) or path.startswith("lag.")


def _takes_a_law(path: str) -> bool:
    within, _, last = path.rpartition(".")
    stage = within == "failover" and last in ("detection", *_STAGES)
    return stage or path == "replication.delay"


def _belief_of(estimate: Estimate) -> dict[str, object]:
    """Return what is believed of a parameter, with how it was found."""
    seen = estimate.evidence
    if "events" in seen:
        word, inside = "gamma", {"events": seen["events"], "during": seen["exposure"]}
    elif "trials" in seen:
        word, inside = "beta", {key: seen[key] for key in ("successes", "trials")}
    else:
        word, inside = "lognormal", {key: seen[key] for key in ("mean", "cv")}
    shown = {key: _number(key, x, estimate.unit) for key, x in inside.items()}
    said = f"{estimate.text}; {estimate.how}"
    return {"value": {"belief": {word: shown}}, "because": said}


def _number(key: str, value: float, unit: str) -> object:
    if key == "during" or (key == "mean" and unit == "s"):
        return _seconds(value)
    return int(value) if float(value).is_integer() else float(f"{value:.6g}")


def _seconds(value: float) -> str:
    """Return a time of six digits without an exponent."""
    return f"{np.format_float_positional(float(f'{value:.6g}'), trim='-')} s"


def _law_of(found: Calibration, path: str, estimate: Estimate) -> dict[str, object]:
    """Return the fitted law of a stage, or what was recorded where it has no name."""
    fit = found.fits[path]
    family = fit.family.removeprefix("shifted ")
    said = f"{estimate.text}; {estimate.how}"
    if family not in _FAMILIES:
        return {"value": {"samples": _recorded(fit)}, "because": said}
    shift = float(fit.law.support[0]) if fit.family.startswith("shifted") else 0.0
    mean = float(fit.law.mean) - shift
    inside: dict[str, object] = {"mean": _seconds(mean)}
    if family != "exponential":
        cv = math.sqrt(float(fit.law.var)) / mean
        inside["cv"] = float(f"{cv:.6g}")
    law: object = {family: inside}
    value = {"sum": [_seconds(shift), law]} if shift else law
    return {"value": value, "because": said}


def _recorded(fit: Fit) -> list[str]:
    """Return the recorded times, thinned where there are very many."""
    step = max(1, math.ceil(len(fit.values) / _MOST))
    return [f"{x:.5g} s" for x in fit.values[::step]]
