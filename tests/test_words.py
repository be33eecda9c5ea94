"""The words of the page: British spelling, and one format of numbers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kmseg
from kmseg.ui.text import percent, power

PACKAGE = Path(kmseg.__file__).parent

# Rules are for prose. Keys, link values and words of the command line, such as "gray", are lower
# case and without spaces.
PROSE = re.compile(r"\s|^[A-Z]")
# Within prose: tags of HTML, expressions of a template, and the name of a field before a message.
CODE = re.compile(r"<[^>]*>|(?<=\$\{)[^}]*|^[a-z_]+(?=: )")
RULES = {
    "American spelling": re.compile(
        r"\b(?:[Gg]rays?|[Gg]rayish|[Cc]olors?|[Cc]olored|[Cc]olorful|[Cc]enters?|[Cc]entered"
        r"|[Nn]eighbors?|\w*(?:initial|normal|optim|minim|recogn|quant|summar)iz(?:e\w?|ing|ation))\b"
    ),
    "a space before the percent sign": re.compile(r"\s%(?![\w({])"),
    "K without its equals sign": re.compile(r"\bK (?:\d|\$\{|$)"),
}


def texts_of_python(source: str) -> Iterator[str]:
    """The strings of a module, without docstrings; those of an f-string in parts."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    prose = {
        id(node.value)
        for node in nodes
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def texts_of_javascript(source: str) -> Iterator[str]:
    """The string and template literals of a module, without comments."""
    for found in re.finditer(r'//[^\n]*|("[^"\n]*"|`[^`]*`)', source):
        if found[1]:
            yield found[1][1:-1]


def texts_of_html(source: str) -> Iterator[str]:
    """What is between tags, and the attributes that people read or hear."""
    yield from re.findall(r'\s(?:aria-label|title|alt|placeholder)="([^"]*)"', source)
    without_styles = re.sub(r"<style>.*?</style>", "", source, flags=re.DOTALL)
    yield from filter(str.strip, re.split(r"<[^>]*>", without_styles))


TEXTS = {".py": texts_of_python, ".js": texts_of_javascript, ".html": texts_of_html}


def broken_rules(path: Path) -> list[str]:
    """Each text of a file that breaks a rule, with the rule."""
    return [
        f"{path.name}: {rule}: {text[:80]!r}"
        for found in TEXTS[path.suffix](path.read_text(encoding="utf-8"))
        if PROSE.search(found)
        for text in [CODE.sub("", found)]
        for rule, pattern in RULES.items()
        if pattern.search(text)
    ]


def test_every_text_of_the_page_is_british_and_writes_numbers_alike() -> None:
    paths = [path for path in sorted(PACKAGE.rglob("*")) if path.suffix in TEXTS]
    assert {path.suffix for path in paths} == set(TEXTS)
    assert [broken for path in paths for broken in broken_rules(path)] == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.py", 'st.button("Gray")'),
        ("a.py", 'st.caption(f"{n} colors of {m}")'),
        ("a.py", 'said = f"{share:.1f} % of it"'),
        ("a.py", 'title = f"try K {k}"'),
        ("a.js", 'note.textContent = "The center of the cloud"'),
        ("a.js", "const said = `${n.toFixed(1)} %`"),
        ("a.js", "const said = `at K ${k}`"),
        ("a.html", '<button aria-label="Gray ranks">x</button>'),
        ("a.html", "<p>K 6</p>"),
    ],
)
def test_the_rules_find_what_they_are_for(name: str, source: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(source, encoding="utf-8")
    assert len(broken_rules(path)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.py", 'def f():\n    """The color."""\n    return paint == "gray" and x % 2'),
        ("a.py", 'template = " · %{y:.4~g}"'),
        ("a.py", 'raise ValueError("colors: an array is needed")'),
        ("a.py", "st.html(\"<div style='text-align: center'>ΔE</div>\")"),
        ("a.py", 'log.info("session %s", name)'),
        ("a.js", "// the center of its color\nconst color = i % 2 ? data.colors : style.color"),
        ("a.js", "const said = `Cluster ${data.colors[i]}`"),
        ("a.html", '<input value="gray" class="colors"><p>Grey, 42.8%, K = 6</p>'),
    ],
)
def test_the_rules_leave_code_alone(name: str, source: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(source, encoding="utf-8")
    assert broken_rules(path) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0000123, "1.23 × 10⁻⁵"),
        (0.0123, "0.0123"),
        (12.345, "12.3"),
        (999.4, "999"),
        (999.6, "1,000"),
        (12_345.6, "12,346"),
        (999_999, "999,999"),
        (1_000_000, "1 × 10⁶"),
        (373_912_345.6, "3.74 × 10⁸"),
        (9.999e9, "1 × 10¹⁰"),
    ],
)
def test_numbers_are_written_with_commas_and_powers_of_ten(value: float, text: str) -> None:
    assert power(value) == text.replace(" ", "\N{NO-BREAK SPACE}")


@given(st.floats(1e-12, 1e15))
def test_a_written_number_is_the_number_to_three_digits(value: float) -> None:
    digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    written = (
        power(value)
        .replace(",", "")
        .replace("\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10", "e")
        .translate(digits)
    )
    assert float(written) == pytest.approx(value, rel=0.00501)


def test_a_share_had_a_space_before_its_percent_sign() -> None:
    assert [percent(share) for share in (0, 0.4276, 1)] == ["0.0%", "42.8%", "100.0%"]
