"""Parts of a page of HTML: sections, tables and figures. Every text is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.plotting_style import line_style
from tsrnn.report_style import STYLE

# Of the markers of pictures, so that models can be told apart without colours.
_SIGNS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖"}
_DASHES = {"-": "", "--": " (dashed)", ":": " (dotted)"}
# A page that may load nothing and run nothing, whatever gets into it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(title: str, lead: str, sections: Sequence[tuple[str, str, str]], footer: str) -> str:
    """Make a page of sections: identifier, heading and content (HTML)."""
    links = "".join(f'<li><a href="#{key}">{escape(name)}</a></li>' for key, name, _ in sections)
    parts = "\n".join(
        f'<section id="{key}">\n<h2>{escape(name)}</h2>\n{content}\n</section>'
        for key, name, content in sections
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
{lead}
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>
{parts}
</main>
<footer><p>{escape(footer)}</p></footer>
</body>
</html>
"""


def paragraph(text: str, *, note: bool = False) -> str:
    """Make a paragraph of plain text."""
    kind = ' class="note"' if note else ""
    return f"<p{kind}>{escape(text)}</p>"


def pictures(figures: Sequence[str]) -> str:
    """Put figures side by side, as many as there is room for."""
    content = "\n".join(figures)
    return f'<div class="pictures">\n{content}\n</div>'


def figure(svg: str, caption: str) -> str:
    """Put a caption under a picture."""
    return f"<figure>\n{svg}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"


def models_key(models: Sequence[str], shown: Sequence[str]) -> str:
    """List the models in the colours and with the markers of their lines."""
    items = []
    for name in shown:
        style = line_style(models.index(name))
        sign, dashes = _SIGNS[style["marker"]], _DASHES[style["linestyle"]]
        mark = f'<span style="color:{style["color"]}" aria-hidden="true">{sign}</span>'
        items.append(f"<li>{mark} {escape(name)}{dashes}</li>")
    return f'<ul class="models" aria-label="Models">{"".join(items)}</ul>'


def table(
    frame: pd.DataFrame,
    corner: str,
    caption: str,
    *,
    mark: Callable[[Any, str], bool] = lambda row, column: False,
) -> str:
    """Make a table of numbers; those that `mark` names by row and column stand out."""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in frame.columns)
    rows = []
    for label, values in zip(frame.index, frame.to_numpy(), strict=True):
        cells = "".join(
            _cell(value, best=mark(label, name))
            for name, value in zip(frame.columns, values, strict=True)
        )
        rows.append(f'<tr><th scope="row">{escape(str(label))}</th>{cells}</tr>')
    return _scrolling(f'<th scope="col">{escape(corner)}</th>{head}', rows, caption)


def alarm_table(alarms: Sequence[Any], caption: str) -> str:
    """Make a table of what `tsrnn.check` measured: first alarms that fired, with their remedies."""
    names = ("", "Alarm", "Value", "Limit")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = []
    for alarm in sorted(alarms, key=lambda alarm: not alarm.fired):
        state, kind = ("! fired", ' class="fired"') if alarm.fired else ("ok", "")
        cells = f"<td>{number(alarm.value)}</td><td>{number(alarm.threshold)}</td>"
        name = f'<th scope="row">{escape(alarm.name)}</th>'
        rows.append(f"<tr{kind}><td>{state}</td>{name}{cells}</tr>")
        if alarm.fired:
            remedy = f'<td colspan="4" class="wide">{escape(alarm.remedy)}</td>'
            rows.append(f"<tr{kind}>{remedy}</tr>")
    return _scrolling(head, rows, caption, kind=' class="words"')


def number(value: float) -> str:
    """Write a number to four digits, or more before the point.

    Examples
    --------
    >>> [number(value) for value in (0.123456, 1234567.8, -np.inf, np.nan)]
    ['0.1235', '1,234,568', '-∞', '–']
    """
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def _cell(value: float, *, best: bool) -> str:
    kind = ' class="best"' if best else ""
    return f"<td{kind}>{number(value)}</td>"


def _scrolling(head: str, rows: list[str], caption: str, kind: str = "") -> str:
    """Put a table in a box that scrolls by itself where the table is wider than the page."""
    label, body = escape(caption), "\n".join(rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">\n'
        f"<table{kind}>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )
