"""What the rounds say: a table in Markdown, and a chart in SVG."""

import statistics
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

from benchmarks.peers.comparison import Compared, Result
from benchmarks.peers.stacks import OURS, STACKS

BEGIN, END = "<!-- peers: written by `python -m benchmarks.peers --record` -->", "<!-- /peers -->"


def find_peers(results: Sequence[Result]) -> list[str]:
    """The peers that any of `results` has, in the order of `STACKS`."""
    seen = {name for result in results for compared in result.compared for name in compared.rounds[0]}
    return [stack.name for stack in STACKS if stack.name in seen]


def describe(ratios: Sequence[float]) -> str:
    """The median of ratios in order of size, and the first and the last."""
    if not ratios:
        return "no answers"
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"


def write_table(machine: str, versions: str, results: Sequence[Result], *, seconds: int) -> str:
    """All results in Markdown: ours in images a second and in CPU time, and how many times a peer's."""
    rounds = max(len(compared.rounds) for result in results for compared in result.compared)
    peers = find_peers(results)
    lines = [
        f"{machine}; {rounds} rounds of {seconds} s each, which alternate. {versions}.",
        "",
        f"Images a second: {OURS}'s, and divided by a peer's: the median of the rounds' ratios (least–most).",
        "",
        *_head("images/s", [f"÷ {peer}" for peer in peers]),
    ]
    for result, compared in _rows(results):
        rate = statistics.median(seen[OURS].images_per_s for seen in compared.rounds)
        cells = [_compare(compared, peer, "images_per_s") for peer in peers]
        lines.append(_row(result.model, str(compared.scenario), f"{rate:,.0f}", *cells))
    lines += [
        "",
        f"Milliseconds of a core an image, all processes of a server: {OURS}'s, and a peer's divided by it.",
        "",
        *_head("ms/image", [f"{peer} ÷" for peer in peers]),
    ]
    for result, compared in _rows(results):
        spent = statistics.median(seen[OURS].cpu_ms_per_image for seen in compared.rounds)
        cells = [_compare(compared, peer, "cpu_ms_per_image", inverse=True) for peer in peers]
        lines.append(_row(result.model, str(compared.scenario), f"{spent:.3f}", *cells))
    return "\n".join([*lines, "", *_list_faults(results)]) + "\n"


def _rows(results: Sequence[Result]) -> list[tuple[Result, Compared]]:
    return [(result, compared) for result in results for compared in result.compared]


def _head(unit: str, peers: Sequence[str]) -> list[str]:
    return [
        _row("model", "images × connections", f"{OURS}, {unit}", *peers),
        "|---|---|" + "---:|" * (1 + len(peers)),
    ]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _compare(compared: Compared, peer: str, name: str, *, inverse: bool = False) -> str:
    if any(peer not in seen for seen in compared.rounds):
        return "–"
    ratios = compared.ratios(peer, attrgetter(name))
    return describe(sorted(1 / ratio for ratio in ratios if ratio) if inverse else ratios)


def _list_faults(results: Sequence[Result]) -> list[str]:
    """Lines that say who is missing and why, and whose requests failed."""
    missing: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for peer, why in result.left_out.items():
            missing.setdefault((peer, why), []).append(result.model)
    lines = [f"{peer} is left out of {', '.join(models)}: {why}" for (peer, why), models in missing.items()]
    failed = [
        f"{server} with {result.model}, {compared.scenario}: {compared.failed(server)}"
        for result, compared in _rows(results)
        for server in compared.rounds[0]
        if compared.failed(server)
    ]
    return [*lines, f"Requests that failed: {'; '.join(failed) or 'none'}."]


def put_table(page: Path, table: str) -> None:
    """Put `table` between the two marks of a Markdown page.

    Raises:
        ValueError: the page has not both.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the table: it goes between {BEGIN} and {END}.")
    page.write_text(f"{before}{BEGIN}\n\n{table}\n{END}{after}", encoding="utf-8")


def draw_chart(path: Path, results: Sequence[Result]) -> None:
    """How many times a peer's images a second ours are, least to most, a panel a model, as SVG."""
    from matplotlib import pyplot, rc_context

    peers = find_peers(results)
    across = min(2, len(results))
    down = -(-len(results) // across)
    with rc_context({"svg.hashsalt": "peers"}):
        figure, panels = pyplot.subplots(
            down, across, figsize=(6 * across, 3.4 * down), squeeze=False, layout="constrained"
        )
        for panel in panels.flat[len(results) :]:
            panel.remove()
        for panel, result in zip(panels.flat, results, strict=False):
            _draw_panel(panel, result, peers)
        handles, labels = panels.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(peers), frameon=False)
        figure.supylabel(f"images a second: {OURS}'s ÷ the peer's")
        figure.supxlabel("images a request × connections")
        figure.savefig(path, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    path.write_text(
        "\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()) + "\n",
        encoding="utf-8",
    )


def _draw_panel(panel, result: Result, peers: Sequence[str]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - matplotlib's
    width = 0.8 / max(1, len(peers))
    for index, peer in enumerate(peers):
        for place, compared in enumerate(result.compared):
            ratios = compared.ratios(peer, attrgetter("images_per_s")) if peer in compared.rounds[0] else []
            if not ratios:
                panel.bar(place, 0, label=peer if not place else None, color=f"C{index}")
                continue
            middle, left = statistics.median(ratios), place - 0.4 + (index + 0.5) * width
            spread = [[middle - ratios[0]], [ratios[-1] - middle]]
            panel.bar(left, middle, 0.92 * width, color=f"C{index}", label=peer if not place else None)
            panel.errorbar(left, middle, spread, color="0.25", linewidth=0.8, capsize=1.5)
            above = {"textcoords": "offset points", "ha": "center", "fontsize": 7}
            panel.annotate(f"{middle:.2f}", (left, ratios[-1]), (0, 2), **above)
    panel.axhline(1, color="black", linewidth=0.8)
    panel.margins(y=0.12)
    panel.set_title(result.model, fontsize=10)
    panel.set_xticks(range(len(result.compared)), [str(compared.scenario) for compared in result.compared])
    panel.spines[["top", "right"]].set_visible(False)
