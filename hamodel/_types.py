"""Types that many rooms share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FloatArray: TypeAlias = "NDArray[np.float64]"

#: A float, an array (of floats or complex steps) or a SymPy expression: the three
#: readings of one model.  Arithmetic is all that may be done with it.
Quantity: TypeAlias = Any

#: Floats, or complex numbers where a transform is asked along its contour.
Numbers: TypeAlias = "NDArray[np.inexact]"

#: A sparse array of SciPy.  Its stubs ask for a dtype and a shape at every step.
Sparse: TypeAlias = Any

#: What a field of a specification holds: a number, a law, a word, a specification.
Value: TypeAlias = Any

#: A state of a chain or of a part, or what it shows: hashable, and of a kind that only
#: whoever made it knows.
State: TypeAlias = Any

#: What a file of JSON or YAML holds.
Json: TypeAlias = Any
