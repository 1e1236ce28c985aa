"""How laws add, scale and combine: exact forms first, the lattice last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from hamodel._check import is_symbolic
from hamodel._types import Quantity
from hamodel.duration import _phase
from hamodel.duration import law as laws
from hamodel.duration._change import Affine, Residual
from hamodel.duration._families import Constant, Exponential, Gamma, Uniform
from hamodel.duration._mixture import Mixture
from hamodel.duration._phase import PhaseType
from hamodel.duration._stack import Endless, Stack
from hamodel.duration._sum import Sum
from hamodel.duration._tails import Empirical
from hamodel.duration.law import Law

_PHASES = 100  # the largest phase-type law made without being asked for
_PAIRS = 1 << 16  # the largest sample made by adding samples
_TERMS = 64  # the largest mixture made by spreading a sum over one


def plain(value: Quantity) -> Quantity:
    """Keep symbols; make numbers floats and everything else a read-only array."""
    if is_symbolic(value):
        return value
    if np.ndim(value) == 0:
        return float(value)
    array = np.array(value, float)
    array.setflags(write=False)
    return array


def is_formula(law: Law) -> bool:
    """Tell whether a parameter of the law is a symbol."""
    if isinstance(law, Affine):
        inner = is_formula(law.law)
        return inner or is_symbolic(law.factor) or is_symbolic(law.shift)
    return isinstance(law, Exponential | Constant) and is_symbolic(law.mean)


def exponential_form(law: Law) -> tuple[Quantity, Quantity]:
    """Return the rate and the shift of an exponential law, for its formulas."""
    import sympy

    core, shift = _core(law)
    if not isinstance(core, Exponential):
        raise ValueError(
            f"a formula needs one exponential stage and a fixed delay, got {law.name}"
        )
    return sympy.cancel(1 / core.mean), shift


def affine(law: Law, factor: Quantity, shift: Quantity) -> Law:
    """Return factor x law + shift in its simplest form."""
    if isinstance(law, Affine):
        inner = law.factor * factor, law.shift * factor + shift
        return affine(law.law, *inner)
    if isinstance(law, Constant):
        return Constant(law.value * factor + shift)
    if isinstance(law, Endless):
        return Endless(affine(law.law, factor, shift), law.never)
    if _zero(factor):
        return Constant(shift)
    if np.any(np.asarray(factor) == 0):
        return mixture(
            (np.asarray(factor == 0, float), np.asarray(factor != 0, float)),
            (Constant(shift), affine(law, np.where(factor == 0, 1, factor), shift)),
        )
    if isinstance(law, Mixture):
        return mixture(law.weights, [affine(part, factor, shift) for part in law.parts])
    if _zero(shift):
        return _scaled(law, factor)
    return Affine(law, factor, shift)


def _scaled(law: Law, factor: Quantity) -> Law:
    if np.ndim(factor) == 0 and not is_symbolic(factor) and factor == 1:
        return law
    if isinstance(law, Exponential):
        return Exponential(law.mean * factor)
    if isinstance(law, Gamma):
        return Gamma(law.stages, law.scale * factor)
    if isinstance(law, PhaseType):
        return PhaseType(law.alpha, law.T / np.asarray(factor)[..., None, None])
    return Affine(law, factor, 0.0)


def _zero(value: Quantity) -> bool:
    return np.ndim(value) == 0 and not is_symbolic(value) and value == 0


def mixture(weights: Sequence[Quantity], parts: Sequence[Law]) -> Law:
    """Return a mixture of no mixtures, equal parts joined."""
    joined: dict[Quantity, tuple[Quantity, Law]] = {}
    for weight, part in zip(weights, parts, strict=True):
        inner = [(weight, part)]
        if isinstance(part, Mixture):
            inner = [
                (weight * w, p) for w, p in zip(part.weights, part.parts, strict=True)
            ]
        for w, p in inner:
            if _zero(w):
                continue
            name = laws.key(p)
            joined[name] = (joined[name][0] + w, p) if name in joined else (w, p)
    if len(joined) == 1:
        return next(iter(joined.values()))[1]
    return Mixture(*(tuple(x) for x in zip(*joined.values(), strict=True)))


def plus(*terms: Law) -> Law:
    """Return the law of the sum of independent laws."""
    never = [law.never for law in terms if isinstance(law, Endless)]
    if never:
        inner = (law.law if isinstance(law, Endless) else law for law in terms)
        return Endless(plus(*inner), reduce(np.logical_or, never))
    shift: Quantity = 0.0
    parts: list[Law] = []
    for law in terms:
        core, by = _core(law)
        shift = shift + by
        if core is not None:
            parts += core.parts if isinstance(core, Sum) else [core]
    if not parts:
        return Constant(shift)
    parts = _samples_joined(parts)
    spread = _spread(parts)
    if spread is not None:
        return affine(spread, 1.0, shift)
    return affine(_joined(parts), 1.0, shift)


def _core(law: Law) -> tuple[Law | None, Quantity]:
    """Take a constant shift off a law."""
    if isinstance(law, Constant):
        return None, law.value
    if isinstance(law, Affine) and not _zero(law.shift):
        return _scaled(law.law, law.factor), law.shift
    return law, 0.0


def _spread(parts: list[Law]) -> Law | None:
    """Spread a sum over a mixture that jumps, so that its jumps stay jumps."""
    for k, part in enumerate(parts):
        if not isinstance(part, Mixture) or not any(p.knots for p in part.parts):
            continue
        rest = parts[:k] + parts[k + 1 :]
        sizes = [len(p.parts) for p in rest if isinstance(p, Mixture)]
        if rest and len(part.parts) * math.prod(sizes) <= _TERMS:
            return mixture(part.weights, [plus(p, *rest) for p in part.parts])
    return None


def _samples_joined(parts: list[Law]) -> list[Law]:
    """Add samples pair by pair, and see a few values as a mixture of constants."""
    samples = [part.values for part in parts if isinstance(part, Empirical)]
    others = [part for part in parts if not isinstance(part, Empirical)]
    if not samples or len(parts) == 1:
        return parts
    if math.prod(len(s) for s in samples) > _PAIRS:
        return parts
    values = reduce(lambda x, y: np.sort(np.add.outer(x, y), axis=None), samples)
    if not others:
        return [Empirical(values)]
    places, counts = np.unique(values, return_counts=True)
    if len(places) > _TERMS:
        return [Empirical(values), *others]
    constants = [Constant(float(place)) for place in places]
    return [mixture([c / len(values) for c in counts], constants), *others]


def _joined(parts: list[Law]) -> Law:
    if len(parts) == 1:
        return parts[0]
    phases = [as_phase(part) for part in parts]
    found = [p for p in phases if p is not None]
    size = sum(p.alpha.shape[-1] for p in found)
    if len(found) == len(parts) and size <= _PHASES:
        return reduce(_phase.chained, found)
    return Sum(tuple(parts))


def residual(law: Law) -> Law:
    """Return the law of what is left at a random moment."""
    if isinstance(law, Exponential):
        return law
    if isinstance(law, Constant):
        return Uniform(0.0 * law.value, law.value)
    phase = as_phase(law)
    if phase is not None and not phase.shape:
        # start where the stationary renewal chain is: alpha (-T)^-1 / mean
        start = np.linalg.solve(-phase.T.T, phase.alpha)
        return PhaseType(start / start.sum(), phase.T)
    return Residual(law)


def as_phase(law: Law) -> PhaseType | None:
    """Return the law in phase-type form if it has one of moderate size."""
    if isinstance(law, PhaseType):
        return law
    if isinstance(law, Exponential) and not is_symbolic(law.mean):
        mean = np.asarray(law.mean, float)
        return PhaseType(np.ones((*mean.shape, 1)), -1 / mean[..., None, None])
    if (
        isinstance(law, Gamma)
        and isinstance(law.stages, int)
        and law.stages <= _PHASES // 2
    ):
        n = law.stages
        rate = 1 / np.asarray(law.scale, float)[..., None, None]
        return PhaseType(np.eye(n)[0], rate * (np.eye(n, k=1) - np.eye(n)))
    if isinstance(law, Mixture):
        phases = [as_phase(part) for part in law.parts]
        found = [p for p in phases if p is not None]
        return _phase.mixed(law.weights, found) if len(found) == len(phases) else None
    form = getattr(law, "phases", None)  # a law of another room may know its phases
    return None if form is None else PhaseType(*form)


def stack(parts: Sequence[Law], shape: tuple[int, ...]) -> Law:
    """Return laws side by side; those of phase type and one size are asked at once."""
    if not shape:
        return parts[0]
    phases = [p for p in parts if isinstance(p, PhaseType)]
    if len(phases) == len(parts) and len({p.alpha.shape for p in phases}) == 1:
        n = phases[0].alpha.shape[-1]
        alpha = np.stack([p.alpha for p in phases]).reshape(*shape, n)
        return PhaseType(alpha, np.stack([p.T for p in phases]).reshape(*shape, n, n))
    return Stack(tuple(parts), shape)
