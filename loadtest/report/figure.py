"""A plot as a PNG."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from loadtest.report.parts import Plot, Series

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Masataka Okabe's and Kei Ito's colours, which people of any colour vision tell apart; without their yellow."""
DASHES = ("-", "--", ":", "-.")
"""The colours come round again with other dashes."""
MARKERS = "osD^vPX"
SIZE_INCHES, DPI = (9.0, 4.2), 110
WIDTH = 1.6
SHADE, LIGHTEST, DARKEST = "#D55E00", 0.12, 0.5
FEW = 40
"""Curves of at most so many points show each of them."""
LONG_LEGEND = 14
SHADES = 256
"""Colours in a picture, those of smoothed edges included: a third of the bytes of one with all of them."""


def png(plot: Plot) -> bytes:
    """The plot with its legend beside the data. Needs matplotlib; opens no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow, and not needed for the data
    from matplotlib.figure import Figure  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _shade(axes, plot)
    for number, series in enumerate(plot.series):
        _draw(axes, plot, series, number)
    _label(axes, plot)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    file = io.BytesIO()
    drawn.quantize(SHADES, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
    return file.getvalue()


def _draw(axes: Axes, plot: Plot, series: Series, number: int) -> None:
    is_few = len(series.x) <= FEW
    axes.plot(
        list(series.x),
        [math.nan if y is None else y for y in series.y],
        color=COLOURS[number % len(COLOURS)],
        linestyle="none" if plot.style == "points" else DASHES[number // len(COLOURS) % len(DASHES)],
        drawstyle="steps-post" if plot.style == "steps" else "default",
        marker=MARKERS[number % len(MARKERS)] if plot.style == "points" or (is_few and plot.style == "line") else "",
        markersize=4.5,
        linewidth=_width(plot, number),
        label=_literal(series.name),
    )


def _shade(axes: Axes, plot: Plot) -> None:
    """Behind the curves; the legend names the darkest, and the axis shows all of them, as well as all curves."""
    darkest = max(plot.shades, key=lambda one: one.share, default=None)
    for shade in plot.shades:
        name = _literal(plot.shades_name) if shade is darkest else ""
        opacity = LIGHTEST + (DARKEST - LIGHTEST) * shade.share
        axes.axvspan(shade.begin, shade.end, color=SHADE, alpha=opacity, linewidth=0, label=name, zorder=0)


def _width(plot: Plot, number: int) -> float:
    """Thinner and thinner among steps, which often lie on each other: so the first still show."""
    return min(6.0, WIDTH + 1.3 * (len(plot.series) - 1 - number)) if plot.style == "steps" else WIDTH


def _label(axes: Axes, plot: Plot) -> None:
    if plot.is_log_x:
        axes.set_xscale("log")
        _number_by_hand(axes.xaxis)
    if plot.is_log_y:
        axes.set_yscale("log")
        _number_by_hand(axes.yaxis)
    elif all(y is None or y >= 0 for series in plot.series for y in series.y):
        axes.set_ylim(bottom=0)
    if plot.style == "steps" and all(y is None or y == int(y) for series in plot.series for y in series.y):
        axes.locator_params(axis="y", integer=True)
    axes.set_title(_literal(plot.title), loc="left", fontsize=12)
    axes.set_xlabel(_literal(plot.x_label))
    axes.set_ylabel(_literal(plot.y_label))
    axes.grid(visible=True, color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if plot.series or plot.shades:
        columns = 1 + (len(plot.series) - 1) // LONG_LEGEND
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9, ncols=columns)


def _number_by_hand(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis, and enough of them where it spans little."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter  # noqa: PLC0415

    low, high = axis.get_view_interval()
    ratio = high / low if low > 0 else math.inf
    axis.set_major_locator(MaxNLocator(6) if ratio < 10 else LogLocator(subs=(1, 2, 5) if ratio < 300 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def _literal(text: str) -> str:
    """Text that matplotlib takes as it is: `$` would begin a formula, and a first `_` would hide a legend's entry."""
    shown = text.replace("$", r"\$")
    return f"\u200b{shown}" if shown.startswith("_") else shown
