"""The curves of a run as a picture: losses, distance and speed over its epochs."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from training.run.stats import EpochStats

PANEL_INCHES = (5.2, 2.5)
DOTS_PER_INCH = 160


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours that are told apart by those who see fewer, too: Okabe and Ito's."""

    ground: str
    ink: str
    faint: str
    lines: tuple[str, str, str]


LIGHT = Theme("#ffffff", "#24292f", "#d8dee4", ("#0072b2", "#d55e00", "#007a5a"))
DARK = Theme("#161b22", "#d0d7de", "#30363d", ("#56b4e9", "#e69f00", "#33c79c"))

Line = tuple[str, list[int], list[float]]
"""Its name, the epochs and the values."""


def write_curves(path: Path, stats: Sequence[EpochStats]) -> None:
    """Write the curves as a PNG file; nothing before the first epoch."""
    if stats:
        path.write_bytes(draw_curves(stats, LIGHT))


def draw_curves(stats: Sequence[EpochStats], theme: Theme) -> bytes:
    """Draw a panel for the losses, one for each figure that was measured, and one for the speed: PNG."""
    panels = list_panels(stats)
    width, height = PANEL_INCHES
    figure = Figure(
        (width, height * len(panels)), dpi=DOTS_PER_INCH, facecolor=theme.ground, layout="constrained"
    )
    FigureCanvasAgg(figure)
    for index, (unit, lines) in enumerate(panels):
        axes = figure.add_subplot(len(panels), 1, index + 1)
        draw_panel(axes, unit, lines, theme)
        if index + 1 == len(panels):
            axes.set_xlabel("epoch", color=theme.ink)
        axes.set_xlim(stats[0].epoch - 0.5, stats[-1].epoch + 0.5)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def list_panels(stats: Sequence[EpochStats]) -> list[tuple[str, list[Line]]]:
    """Return what each panel's axis says and its lines."""
    epochs = [row.epoch for row in stats]
    panels: list[tuple[str, list[Line]]] = [
        (
            "loss, nats",
            [
                ("generator", epochs, [row.generator_loss for row in stats]),
                ("discriminator", epochs, [row.discriminator_loss for row in stats]),
            ],
        )
    ]
    for name in dict.fromkeys(name for row in stats for name in row.figures):
        measured = [row for row in stats if name in row.figures]
        line = (name, [row.epoch for row in measured], [row.figures[name] for row in measured])
        panels.append(("distance", [line]))
    speeds = [nan if row.images_per_s is None else row.images_per_s for row in stats]
    panels.append(("images/s", [("speed", epochs, speeds)]))
    return panels


def draw_panel(axes: Axes, unit: str, lines: Sequence[Line], theme: Theme) -> None:
    """Draw lines over epochs; a distance on a logarithmic scale, its least value marked."""
    axes.set_facecolor(theme.ground)
    for (name, epochs, values), colour in zip(lines, theme.lines, strict=False):
        few = "o" if len(epochs) < 30 else None
        axes.plot(epochs, values, color=colour, label=name, linewidth=1.8, marker=few, markersize=3.5)
    axes.set_ylabel(unit, color=theme.ink)
    axes.tick_params(colors=theme.ink, which="both")
    axes.grid(color=theme.faint, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.faint)
    if unit == "distance":
        mark_least(axes, lines[0], theme)
    elif unit == "images/s":
        axes.set_ylim(bottom=0)
    if unit != "images/s":
        # A place that is sought takes long on a busy machine, and matplotlib warns of it then.
        axes.legend(loc="upper right", frameon=False, labelcolor=theme.ink)


def mark_least(axes: Axes, line: Line, theme: Theme) -> None:
    """Mark the least value of a line, the best checkpoint's."""
    _, epochs, values = line
    if min(values) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.margins(y=0.15)
    best = values.index(min(values))
    axes.plot(epochs[best], values[best], "o", color=theme.lines[1], markersize=7, fillstyle="none")
    axes.annotate(
        f"{values[best]:.4g}",
        (epochs[best], values[best]),
        xytext=(0, -9),  # below it there is no line
        textcoords="offset points",
        va="top",
        ha="right" if best == len(values) - 1 else "center",
        color=theme.ink,
    )
