"""The lessons. Numbers in their texts are those of the samples, and the tests compare them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kmseg.settings import Settings
from kmseg.ui.lessons.lesson import Lesson, Stop

_CIELAB: Final = Settings(color_space="cielab", n_clusters=2)
_RGB: Final = Settings(color_space="rgb", n_clusters=4)
_RANDOM: Final = replace(_RGB, n_clusters=6, init="random")
_AT_REST: Final = "9999"  # the browser goes to the last step
_ONLY_PICTURES: Final = ("samples", "places", "space", "shares", "settings")
_ONLY_STEPS: Final = (*_ONLY_PICTURES, "k", "looks")
_ONLY_VIEW: Final = ("samples", "places", "space", "looks", "shares", "summary", "settings")

_WHAT_K_DOES: Final = Lesson(
    key="k",
    title="What K does",
    minutes=4,
    summary="K is the number of clusters. What each further one brings, and when to stop.",
    stops=(
        Stop(
            text="K-means sorts all pixels into K clusters of similar colours, and paints each "
            "cluster in the mean colour of its pixels. Here K is 2: light and dark.",
            question="Press + below the pictures. At which K do the red roofs get a cluster?",
            answer="At K = 4. With K = 3 the dark pixels are split in two instead: k-means lowers "
            "the sum of squared distances, and the roofs have few pixels.",
            picture="china",
            view="clusters",
            settings=_CIELAB,
            hide=_ONLY_VIEW,
        ),
        Stop(
            text="Each row of the table is a cluster, the largest first: its pixels, their share "
            "and its centroid, which is the mean of its pixels in the colour space.",
            question="Which cluster is the smallest, and where are its pixels? Click its row.",
            answer="The last one. Its pixels stay bright and the others fade. A click on the "
            "picture finds the row of a pixel in the same way.",
            picture="china",
            view="clusters",
            settings=replace(_CIELAB, n_clusters=6),
            hide=_ONLY_VIEW,
            any_picture=True,
        ),
        Stop(
            text="Inertia is the sum of the squared distances of all pixels to their centroids. "
            "The best inertia for K + 1 clusters is never above the best for K.",
            question="So is the largest K the best?",
            answer="No: with one cluster for each colour inertia is 0, and nothing is grouped. "
            "Look for the K after which inertia falls slowly (the elbow), or for the K that "
            "separates what you need. Scores such as the silhouette only give hints.",
            picture="china",
            view="ladder",
            settings=replace(_CIELAB, n_clusters=6),
            hide=_ONLY_VIEW,
            any_picture=True,
        ),
    ),
)

_START: Final = Lesson(
    key="start",
    title="Why the start matters",
    minutes=6,
    summary="Assign, move, repeat: where k-means comes to rest depends on where it starts.",
    stops=(
        Stop(
            text="Step 0: four pixels are drawn at random. Their colours are the first "
            "centroids. Press → for half a step: pixels are assigned, then centroids move.",
            question="What does the first half-step do? And the second?",
            answer="Assign: each pixel joins the cluster with the nearest centroid. Move: each "
            "centroid goes to the mean of its pixels. Then both again.",
            picture="flower",
            view="steps",
            settings=replace(_RGB, init="random"),
            options={"start": "4"},
            hide=_ONLY_STEPS,
            any_picture=True,
        ),
        Stop(
            text="The same run at its end. Step back with ← and watch the curve of inertia.",
            question="Inertia never rises from one half-step to the next. Why not?",
            answer="Assign gives each pixel the nearest centroid, so no distance grows. Move goes "
            "to the mean, which has the least sum of squared distances to the pixels of a cluster. "
            "There are finitely many assignments and none comes back, so the run ends.",
            picture="flower",
            view="steps",
            settings=replace(_RGB, init="random"),
            options={"start": "4", "step": _AT_REST},
            hide=_ONLY_STEPS,
            any_picture=True,
        ),
        Stop(
            text="A window of five colours of glass with leads, K = 6, random seeds. This run "
            "has converged too, but its inertia is seven times that of the best.",
            question="What went wrong? Find two centroids that share one colour of glass.",
            answer="Two centroids share the pale glass, so red and gold share one. Neither "
            "half-step moves a centroid across the gap between colours: this is a local optimum. "
            "Drag one of the two from the pale dots to the red ones, and press Play.",
            picture="stained-glass",
            view="steps",
            settings=_RANDOM,
            options={"start": "1", "step": _AT_REST},
            hide=_ONLY_STEPS,
        ),
        Stop(
            text="K-means++ draws the seeds one after the other. The brighter a pixel is here, the "
            "likelier it is drawn next: its probability is in proportion to its squared distance "
            "to the nearest seed. Step forward with → to see each draw. (Arthur and Vassilvitskii, "
            "2007.)",
            question="Why does this help?",
            answer="A pixel of a colour that already has a seed has a probability near 0, so the "
            "seeds spread over the colours. It is still a draw: now and then it fails as well.",
            picture="stained-glass",
            view="steps",
            settings=replace(_RANDOM, init="k-means++"),
            options={"start": "1", "step": "-10"},
            hide=_ONLY_STEPS,
            any_picture=True,
        ),
    ),
)

_ATTEMPTS: Final = Lesson(
    key="attempts",
    title="Why several attempts",
    minutes=5,
    summary="One run may get stuck. Compare many starts, and keep the best.",
    stops=(
        Stop(
            text="Twelve runs of plain k-means on one picture, each from other random seeds. The "
            "best is marked with a star; the others say how far their inertia is above it.",
            question="How many of them found the best? What is wrong with the others?",
            answer="Two of the twelve. In the others, one colour of glass has two centroids and "
            "two colours share one. Click a tile: the pixels that differ from the best light up.",
            picture="stained-glass",
            view="attempts",
            settings=_RANDOM,
            options={"attempts_shown": "12"},
            hide=_ONLY_VIEW,
        ),
        Stop(
            text="The same with seeds drawn by k-means++. Below, 30 starts of each kind are "
            "compared: each dot is one run, and further right is worse.",
            question="Suppose one run in six finds the best. How likely is it that ten independent "
            "runs all miss it?",
            answer="(5/6)¹⁰ = 16%. With k-means++ about six runs in seven find it here, and then "
            "ten runs all miss it with (1/7)¹⁰, less than one in a hundred million.",
            picture="stained-glass",
            view="attempts",
            settings=replace(_RANDOM, init="k-means++"),
            options={"attempts_shown": "12"},
            hide=_ONLY_VIEW,
        ),
        Stop(
            text="This is why attempts are a setting: k-means runs that many times and keeps the "
            "run with the lowest inertia. Open the settings at the side and change Attempts.",
            question="More attempts cost more time. What else lowers the risk?",
            answer="Better seeds (k-means++), or a search that goes on where plain k-means stops, "
            "as in the exact engine of this page: it combines centroids of several attempts and "
            "iterates.",
            picture="stained-glass",
            view="clusters",
            settings=replace(_RANDOM, init="k-means++"),
            hide=("samples", "space", "places"),
            any_picture=True,
        ),
    ),
)

_SPACE: Final = Lesson(
    key="space",
    title="Why the colour space matters",
    minutes=5,
    summary="A plate hides a number. RGB misses it; the right channel shows it.",
    stops=(
        Stop(
            text="A plate of dots hides a number that people with normal colour vision read at "
            "once. K-means in RGB with K = 3 does not find it.",
            question="What did k-means separate instead? Compare the two pictures.",
            answer="Light dots from dark dots. In RGB, two dots of one hue but of different "
            "lightness are often further apart than two of different hue.",
            picture="plate-6",
            view="clusters",
            settings=replace(_RGB, n_clusters=3),
            hide=_ONLY_PICTURES,
        ),
        Stop(
            text="Each tile clusters other channels of another colour space. Suggestions come "
            "first. Click a tile to use its settings.",
            question="Which channels show the number? What do they have in common?",
            answer="Those that hold the hue without the lightness, such as channel H of HSV, or a* "
            "and b* of CIELAB. Leaving the lightness out is what reveals the 6.",
            picture="plate-6",
            view="sheet",
            settings=replace(_RGB, n_clusters=3),
            hide=_ONLY_VIEW,
        ),
        Stop(
            text="HSV, channel H alone. Each colour is now one number, the hue, and k-means splits "
            "the line of hues into three intervals.",
            question="Would people with red-green colour blindness see the 6 in the original?",
            answer="Hardly: open Explore, Colour spaces, Colour vision for a simulation. It is no "
            "test and no diagnosis. K-means sees hue differences that their cones barely "
            "signal.",
            picture="plate-6",
            view="clusters",
            hide=("samples", "settings"),
        ),
        Stop(
            text="Hue is an angle in units of 2°: 0 and 179 are neighbours. As a plain number they "
            "are as far apart as can be, so k-means splits the red of these tomatoes.",
            question="Choose HSV, hue as an angle, below the pictures. What changes?",
            answer="All red pixels share a cluster. There hue and saturation are the point "
            "(S·cos H, S·sin H), so 0 and 179 are close.",
            picture="wrapped-hue",
            view="clusters",
            hide=("samples", "settings"),
        ),
    ),
)

_WRONG_TOOL: Final = Lesson(
    key="limits",
    title="When not to use k-means",
    minutes=6,
    summary="Five pictures on which k-means fails, each for one reason.",
    stops=(
        Stop(
            text="A sky without any edge. K-means always returns K clusters, whether or not the "
            "colours form groups.",
            question="Change K. Which edges are in the picture, and which did k-means make?",
            answer="None is in the picture: the edges move with K. Colours without gaps are cut "
            "into equal parts. Look at the colour cloud before you trust clusters.",
            picture="gradient",
            view="clusters",
            hide=_ONLY_PICTURES,
        ),
        Stop(
            text="A ladybird on a meadow: 0.3% of the pixels.",
            question="K is 3, and still the ladybird has no cluster. Why?",
            answer="Splitting the large meadow lowers the sum of squared distances more than a "
            "cluster for so few pixels. A threshold on a* of CIELAB finds them.",
            picture="small-object",
            view="clusters",
            hide=_ONLY_PICTURES,
        ),
        Stop(
            text="A blue curtain and a violet one. Each is one long group of colours, from the "
            "shade in its folds to the light.",
            question="K is 2. Why are the clusters light and dark, and not blue and violet?",
            answer="K-means uses distance to one centre, so it prefers round clusters of similar "
            "spread. Shading changes the colours more than the cloth does. Hue alone separates "
            "them.",
            picture="elongated",
            view="clusters",
            hide=_ONLY_PICTURES,
        ),
        Stop(
            text="You see a disc of upright stripes on level stripes. Both have the same browns.",
            question="Can any K or colour space find the disc?",
            answer="No. K-means sees each pixel's colour and not its neighbours. Texture needs "
            "features that describe a neighbourhood.",
            picture="texture",
            view="clusters",
            hide=_ONLY_PICTURES,
        ),
        Stop(
            text="A sheet of music, lit from the left.",
            question="Why is paper on the right in the cluster of the ink?",
            answer="Shaded paper is as dark as lit ink, and one border between light and dark "
            "holds for the whole sheet. A threshold that follows the light works, for instance "
            "cv2.adaptiveThreshold.",
            picture="uneven-light",
            view="clusters",
            hide=_ONLY_PICTURES,
        ),
    ),
)

ALL: Final = (_WHAT_K_DOES, _START, _ATTEMPTS, _SPACE, _WRONG_TOOL)
