"""What a sample's design does to the variance of a weighted sum: strata, unequal chances, a finite log, clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray, IntArray


def linearised(residual: FloatArray, missing: FloatArray, codes: IntArray) -> float:
    """Return Hájek's variance (1964) of a total of residuals under unequal chances, stratum by stratum.

    `missing` is the chance not to be in the sample: what was taken for certain adds none.
    """
    return float((contributions(residual, missing, codes) ** 2).sum())


def contributions(residual: FloatArray, missing: FloatArray, codes: IntArray) -> FloatArray:
    """Return what each unit adds to the error of that total: the squares add up to its variance."""
    found = np.zeros(residual.size)
    for code in range(int(codes.max()) + 1):
        member = codes == code
        open_ = missing[member]
        n, doubt = int((open_ > 0).sum()), float(open_.sum())
        if n < 2 or doubt <= 0:
            continue
        centred = residual[member] - float((open_ * residual[member]).sum()) / doubt
        found[member] = np.sqrt(n / (n - 1) * open_) * centred
    return found


def freedom(parts: FloatArray, most: int) -> float:
    """Return the degrees of freedom of a variance that is the sum of squares of these parts; `most` at most.

    The variance of a variance grows with the kurtosis of what it is made of (Satterthwaite 1946): normal parts have
    about as many degrees as there are, a few that make up most of it have two.
    """
    square = float((parts**2).sum())
    n = int((parts != 0).sum())
    if square <= 0 or n < 2:
        return float(max(1, most))
    kurtosis = n * float((parts**4).sum()) / square**2
    return max(1.0, min(float(most), 2 * n / (kurtosis - 1) if kurtosis > 1 else float(most)))


def design_effect(residual: FloatArray, codes: IntArray) -> float:
    """Return by how much clusters raise the variance; never below 1."""
    spread = float((residual**2).sum())
    if spread <= 0:
        # all alike: nothing shows how far a cluster moves together, so each counts once
        return float((np.bincount(codes) ** 2).sum()) / codes.size
    return max(1.0, float((np.bincount(codes, residual) ** 2).sum()) / spread)


def codes_of(labels: ArrayLike) -> IntArray:
    """Return 0, 1, … for the distinct labels, in their order."""
    return np.unique(np.asarray(labels).ravel(), return_inverse=True)[1].astype(np.int64)
