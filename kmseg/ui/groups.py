"""Groups of clusters as links spell them."""

from __future__ import annotations

import re

from kmseg.ui.records import Groups


def parse_groups(text: str) -> Groups:
    """Parse groups such as "1.3_2.5" into clusters numbered from 0; empty if malformed."""
    if not re.fullmatch(r"\d{1,3}(?:[._]\d{1,3}){0,254}", text, re.ASCII):
        return ()
    groups = tuple(
        tuple(int(number) - 1 for number in group.split(".")) for group in text.split("_")
    )
    every = [cluster for group in groups for cluster in group]
    return groups if len(every) == len(set(every)) and min(every) >= 0 else ()


def spelled(groups: Groups) -> str:
    """Format groups of clusters, numbered from 0, for a link: "1.3_2.5"."""
    return "_".join(".".join(str(cluster + 1) for cluster in group) for group in groups)
