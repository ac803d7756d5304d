"""Pictures of the report: figures of matplotlib as SVG that stands in a page among others."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

WIDTH = 4.3  # inches; about as wide as a phone, so that nothing shrinks there
_LONGEST = 44  # characters of a title in a picture

# Of our own choice, whatever the user's settings are.
_SETTINGS = {
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "font.size": 9.0,
    "path.simplify_threshold": 0.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "tsrnn",
    "text.parse_math": False,  # a dollar sign in a name is one
}
_THEME = {"#000000": "currentColor", "#333333": "currentColor", "#e3e3e3": "var(--line)"}
_DECIMALS = re.compile(r"-?\d+\.\d{3,}(?![\de])")
_REFERENCE = re.compile(r"#([\w.-]+)")
_COORDINATES = ("d", "x", "y", "transform", "points", "width", "height")
_USELESS = ("metadata", "style")


def picture(
    draw: Callable[[Any], None], alt: str, key: str, *, n_panels: int = 1, height: float = 2.6
) -> str:
    """Draw into axes of a new figure, and return the SVG.

    Parameters
    ----------
    draw : callable
        Of the array of axes, one below the other.
    alt : str
        What a reader who cannot see the picture is told.
    key : str
        Goes before the identifiers in the picture; another for each picture of a page.
    n_panels : int, default 1
    height : float, default 2.6
        Of each panel, in inches.

    Returns
    -------
    svg : str
    """
    from matplotlib.figure import Figure

    with _settings():
        figure = Figure(figsize=(WIDTH, height * n_panels), layout="constrained")
        draw(figure.subplots(n_panels, squeeze=False, sharex=True, sharey=True)[:, 0])
        _clean_texts(figure)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return _inline(ElementTree.fromstring(content.getvalue()), alt, key)


def shortened(text: str) -> str:
    """Cut a text that is too long for a picture.

    Examples
    --------
    >>> len(shortened(60 * "a"))
    44
    """
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


@contextmanager
def _settings() -> Iterator[None]:
    import matplotlib.style

    with matplotlib.style.context(["default", _SETTINGS]), warnings.catch_warnings():
        # The font of the reader's browser counts, which has more signs than that of matplotlib.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _clean_texts(figure: Any) -> None:
    """Take control characters, which XML cannot hold, out of all texts."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        words = text.get_text()
        if not words.isprintable():
            text.set_text("".join(c if c.isprintable() or c == "\n" else " " for c in words))


def _inline(root: ElementTree.Element, alt: str, key: str) -> str:
    """Make an SVG file a part of a page: no prolog, own identifiers, colours of the page."""
    used = set(_REFERENCE.findall(ElementTree.tostring(root, encoding="unicode")))
    for element in root.iter():
        for child in [child for child in element if _plain(child.tag) in _USELESS]:
            element.remove(child)
        element.tag = _plain(element.tag)
        element.attrib = {
            _plain(name): _attribute(_plain(name), value, key)
            for name, value in element.attrib.items()
            if _plain(name) != "id" or value in used
        }
        if element.tag != "text":
            element.text = None
        element.tail = None
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": alt}
    return ElementTree.tostring(root, encoding="unicode")


def _plain(name: str) -> str:
    """Name of a tag or an attribute without its namespace."""
    return name.rpartition("}")[2]


def _attribute(name: str, value: str, key: str) -> str:
    if name == "id":
        return f"{key}-{value}"
    if name in ("href", "clip-path"):
        return _REFERENCE.sub(rf"#{key}-\1", value)
    if name in _COORDINATES:
        return " ".join(_DECIMALS.sub(lambda found: f"{float(found[0]):.2f}", value).split())
    if name == "style":
        value = re.sub(r"font-family: [^;]*;? ?", "", value)
        for colour, themed in _THEME.items():
            value = value.replace(colour, themed)
    return value
