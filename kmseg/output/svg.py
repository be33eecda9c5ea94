"""The clusters of a segmentation as an SVG drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.regions.outlines import Outlines, outlines
from kmseg.settings import to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

# Commands of paths: the start of a ring, which closes the one before it, and three kinds of steps.
_START, _ACROSS, _DOWN, _BOTH = range(4)
_LETTERS: Final = np.array(["zM", "h", "v", "l"], object)


def svg(seg: Segmentation, smoothing: float) -> bytes:
    """One path for each cluster, with its colour. A unit is a pixel.

    Renderers blend the edge of each shape with what lies behind it, so the background shines
    through where two shapes meet. Exact edges are drawn without blending. Beneath smooth shapes
    lies a copy of them without blending, so that each edge is blended with its neighbour's colour.

    Parameters
    ----------
    seg : Segmentation
    smoothing : float
        As for :func:`kmseg.regions.outlines.outlines`, which also says what is raised.
    """
    drawn = outlines(seg.labels, smoothing)
    height, width = drawn.size
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    ]
    if smoothing > 0:
        lines += [
            '<use href="#clusters" shape-rendering="crispEdges"/>',
            '<g id="clusters" fill-rule="evenodd">',
        ]
    else:
        lines += ['<g id="clusters" fill-rule="evenodd" shape-rendering="crispEdges">']
    clusters = zip(
        seg.names, map(to_hex, seg.palette), seg.shares, paths(drawn, seg.n_clusters), strict=True
    )
    lines += [
        f'<path fill="{fill}" d="{path}"><title>Cluster {name}: {fill}, {share:.1%}</title></path>'
        for name, fill, share, path in clusters
    ]
    return "\n".join([*lines, "</g>", "</svg>", ""]).encode()


def paths(drawn: Outlines, n_clusters: int) -> list[str]:
    """The path data of each cluster: all rings of its regions, in relative coordinates."""
    lengths = np.diff(drawn.ring_starts)
    rings = np.repeat(np.arange(len(lengths)), lengths)  # of each point
    begins = np.zeros(len(rings), bool)
    begins[drawn.ring_starts[:-1]] = True
    values = np.where(begins[:, None], drawn.points, np.diff(drawn.points, axis=0, prepend=0))
    kinds = np.select(
        [begins, values[:, 1] == 0, values[:, 0] == 0], [_START, _ACROSS, _DOWN], _BOTH
    )
    repeated = kinds == np.roll(kinds, 1)  # a letter stands for all steps that follow it
    repeated[begins] = False
    bare = decimals(values)
    spaced = np.where(values < 0, bare, " " + bare)  # a sign sets numbers apart
    tokens = np.empty((len(rings), 3), object)
    tokens[:, 0] = np.where(repeated, "", _LETTERS[kinds])
    tokens[:, 1] = np.where(repeated, spaced[:, 0], bare[:, 0])
    tokens[:, 2] = np.where((kinds == _DOWN) & ~repeated, bare[:, 1], spaced[:, 1])
    tokens[kinds == _DOWN, 1] = ""
    tokens[kinds == _ACROSS, 2] = ""
    clusters = np.repeat(drawn.clusters, np.diff(drawn.polygon_starts))[rings]
    order = np.argsort(clusters, kind="stable")
    parts = np.split(order, np.searchsorted(clusters[order], np.arange(1, n_clusters)))
    texts = ["".join(tokens[part].ravel().tolist()) for part in parts]
    return [text.removeprefix("z") + "z" * bool(text) for text in texts]


def decimals(halves: NDArray[np.int32]) -> NDArray[Any]:
    """Half pixels as decimal numbers of pixels: an array of str, of the same shape."""
    distinct, where = np.unique(halves, return_inverse=True)
    texts = [f"{half / 2:.1f}".removesuffix(".0") for half in distinct.tolist()]
    return np.array(texts, object)[where.reshape(halves.shape)]
