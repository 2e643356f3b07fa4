"""The figures of an encoder as a table for a person: what each is, and which way is better."""

from collections.abc import Mapping

WAYS: Mapping[str, str] = {
    "encoder": "the encoder's guess alone",
    "refined": "the guess refined, as POST /project does",
    "search": "a search from random latents, without the encoder",
    "mean": "the mean picture for every one, which knows nothing",
}
START, PIXELS, PICTURES, STEPS = (
    "reconstruction_",
    "pixels",
    "reconstruction_pictures",
    "reconstruction_search_steps",
)
ACCURACY = "label_accuracy"


def describe_figures(figures: Mapping[str, float], measured_on: str) -> str:
    """Return the figures of a projection as lines: a row each way, a column each distance.

    Pixels: the mean squared difference in [-1, 1]; another space: the cosine distance of features. Less is
    better in all. A figure that is not known here comes by its name, at the end.
    """
    known = {name: value for name, value in figures.items() if name not in (PICTURES, STEPS, ACCURACY)}
    spaces = list(
        dict.fromkeys(name[len(START) :].rpartition("_")[0] for name in known if name.startswith(START))
    )
    count = figures.get(PICTURES, 0)
    lines = [f"How far {count:.0f} {measured_on} are from what is found for them, less is better:"]
    width = max(map(len, WAYS.values())) + 2
    heads = ["pixels, squared" if space == PIXELS else f"features, {space}" for space in spaces]
    lines.append(" " * width + "  ".join(f"{head:>15}" for head in heads))
    for way, words in WAYS.items():
        cells = [f"{words:<{width}}"]
        for space, head in zip(spaces, heads, strict=True):
            value = known.pop(f"{START}{space}_{way}", None)
            shown = "" if value is None else f"{value:.4g}"
            cells.append(f"{shown:>{max(15, len(head))}}  ")
        lines.append("".join(cells).rstrip())
    if STEPS in figures:
        lines.append(f"The search took {figures[STEPS]:.0f} steps.")
    if ACCURACY in figures:
        lines.append(f"Classes guessed right, more is better: {figures[ACCURACY]:.1%}")
    lines += [f"{name}  {value:.4g}" for name, value in known.items()]
    return "\n".join(lines)
