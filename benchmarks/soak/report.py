"""What a soak showed: a summary in words and figures, and charts."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.soak.samples import Sample, drift, latencies_by_minute, slope_per_hour
from benchmarks.soak.traffic import Traffic

KINDS = ("generate", "walk", "image", "inference")


def write_summary(folder: Path, samples: Sequence[Sample], traffic: Traffic, *, notes: Sequence[str]) -> str:
    """Write `summary.md`; its text."""
    at_s = [sample.at_s for sample in samples]
    memory = [sample.memory_mb for sample in samples]
    rows = [
        ("memory, MB", memory),
        ("descriptors", [float(sample.descriptors) for sample in samples]),
        ("threads", [float(sample.threads) for sample in samples]),
    ]
    lines = [
        f"# {at_s[-1] / 60:.1f} minutes of mixed traffic",
        "",
        *notes,
        "",
        "| the server holds | at first | at last | most | growth an hour | last quarter ÷ second |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {values[0]:.0f} | {values[-1]:.0f} | {max(values):.0f} "
            f"| {slope_per_hour(at_s, values):+.1f} | {drift(values):.3f} |"
            for name, values in rows
        ),
        "",
        "| asked | p50, ms (first → last minute) | p99, ms (first → last minute) | drift of p50 |",
        "|---|---|---|---|",
    ]
    for kind in KINDS:
        by_minute = latencies_by_minute(traffic.answers, kind)
        whole = [figures for minute, figures in by_minute.items() if 60 * (minute + 1) <= at_s[-1] + 1]
        minutes = whole or list(by_minute.values())
        if minutes:
            (first_50, first_99), (last_50, last_99) = minutes[0], minutes[-1]
            drifted = drift([p50 for p50, _ in minutes])
            middle, slow = f"{first_50:.1f} → {last_50:.1f}", f"{first_99:.1f} → {last_99:.1f}"
            lines.append(f"| {kind} | {middle} | {slow} | {drifted:.2f} |")
    lines += ["", "| kind | outcome | how often |", "|---|---|---|"]
    lines += [
        f"| {kind} | {outcome} | {many:,} |" for (kind, outcome), many in sorted(traffic.count().items())
    ]
    faults = traffic.faults()
    lines += ["", f"Faults: {', '.join(f'{name} ×{many}' for name, many in faults.items()) or 'none'}.", ""]
    text = "\n".join(lines)
    (folder / "summary.md").write_text(text)
    return text


def draw_charts(folder: Path, samples: Sequence[Sample], traffic: Traffic) -> Path:
    """Draw memory, descriptors and threads, and latencies by the minute, into `soak.png`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    held, counted, waited = figure.subplots(3, 1)
    minutes = [sample.at_s / 60 for sample in samples]
    held.plot(minutes, [sample.memory_mb for sample in samples])
    held.set_ylabel("memory, MB")
    held.set_ylim(bottom=0)
    counted.plot(minutes, [sample.descriptors for sample in samples], label="descriptors")
    counted.plot(minutes, [sample.threads for sample in samples], label="threads")
    counted.set_ylim(bottom=0)
    counted.legend(loc="upper left")
    for kind in KINDS:
        by_minute = latencies_by_minute(traffic.answers, kind)
        [line] = waited.plot(list(by_minute), [p50 for p50, _ in by_minute.values()], label=f"{kind}, p50")
        waited.plot(
            list(by_minute), [p99 for _, p99 in by_minute.values()], "--", color=line.get_color(), label="p99"
        )
    waited.set_yscale("log")
    waited.set_ylabel("ms")
    waited.set_xlabel("minutes")
    waited.legend(loc="upper left", ncols=4, fontsize="small")
    path = folder / "soak.png"
    figure.savefig(path, dpi=120)
    return path
