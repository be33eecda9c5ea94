"""How people with a colour vision deficiency may see colours: a simulation, not a diagnosis."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.color.conversions import linear_light

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes: "A Physiologically-based Model for Simulation
# of Color Vision Deficiency". IEEE Transactions on Visualization and Computer Graphics 15(6), 2009:
# the published matrices for severity 1.0, which apply to linear RGB.
DEFICIENCIES: Final[dict[str, NDArray[np.float64]]] = {
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""Matrices by deficiency. The authors call their model of tritan vision an approximation."""


def simulated(srgb255: NDArray[np.uint8], deficiency: str) -> NDArray[np.uint8]:
    """Simulate full colour vision deficiency (severity 1.0).

    Parameters
    ----------
    srgb255 : ndarray of uint8, shape (..., 3)
        sRGB colours.
    deficiency : str
        A key of :data:`DEFICIENCIES`.

    Returns
    -------
    ndarray of uint8, shape (..., 3)
        sRGB; what falls outside its gamut is clipped.
    """
    linear = np.einsum("ij,...j->...i", DEFICIENCIES[deficiency], linear_light(srgb255)).clip(0, 1)
    curved = 1.055 * linear ** (1 / 2.4) - 0.055  # IEC 61966-2-1:1999
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, curved)
    colors: NDArray[np.uint8] = np.rint(255 * encoded).astype(np.uint8)
    return colors
