"""The tab of the models: releases, their figures, samples and training curves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio
import pandas

from foundation.manifest import Manifest
from service.endpoints.context import Context
from service.ui.choice import find_manifest
from service.ui.curves import Point, read_curves
from service.ui.events import RAW
from service.ui.requests import explained, write_curl_get
from service.ui.samples import put_samples

_COLOURS = {1: "grey", 3: "colour", 4: "colour with transparency"}
"""What pictures of so many channels are."""


@dataclass(frozen=True, slots=True)
class ModelsTab:
    """What fills the tab."""

    fill: Any
    outputs: list[Any]


def add_models_tab(context: Context, model: gradio.Dropdown, folder: Path) -> ModelsTab:
    """Lay out the tab, which shows the release that is chosen above; pictures are put into `folder`."""
    with gradio.Row():
        with gradio.Column(scale=1, min_width=280):
            releases = gradio.Markdown(elem_id="releases")
            figures = gradio.Markdown(elem_id="figures")
        with gradio.Column(scale=1, min_width=280):
            samples = gradio.Image(
                label="Samples",
                show_label=False,
                format="png",
                interactive=False,
                buttons=["download"],
                elem_id="samples",
                elem_classes="pixels",
            )
            curves = _add_plot("loss", "Training curves", "curves")
            distances = _add_plot("distance", "Distance from real pictures", "distances")
    curl = gradio.Textbox(
        label="The same by curl", buttons=["copy"], lines=1, interactive=False, elem_id="models-curl"
    )

    async def fill(model: str | None, visitor: gradio.Request) -> tuple[Any, ...]:
        with explained():
            return await context.releases.asking.run(_describe, context, model, folder, visitor)

    outputs = [releases, figures, samples, curves, distances, curl]
    model.change(fill, model, outputs, **RAW, show_progress="hidden")
    return ModelsTab(fill, outputs)


def _add_plot(measure: str, title: str, elem_id: str) -> gradio.LinePlot:
    """A line of `measure` over the epochs for each thing that it is `of`, unseen while there is none."""
    return gradio.LinePlot(
        x="epoch", y=measure, color="of", title=title, height=260, visible=False, elem_id=elem_id
    )


def _describe(context: Context, model: str | None, folder: Path, visitor: gradio.Request) -> tuple[Any, ...]:
    manifest = find_manifest(context, model)
    if manifest is None:
        none = gradio.LinePlot(visible=False)
        return "There is no model in the store yet.", "", None, none, none, ""
    path = f"/models/{manifest.name}/versions/{manifest.version}"
    picture, unseen = put_samples(context.releases.store, manifest, folder)
    losses, distances, undrawn = read_curves(context.releases.store, manifest)
    shown = f"A grid of pictures by {manifest.reference}"
    return (
        _list_releases(context, manifest.name),
        "\n\n".join(filter(None, (_list_figures(manifest), unseen, undrawn))),
        gradio.Image(str(picture) if picture else None, visible=picture is not None, alt_text=shown),
        _plot(losses),
        _plot(distances),
        write_curl_get(visitor, path),
    )


def _list_releases(context: Context, name: str) -> str:
    store = context.releases.store
    aliases = store.aliases(name).entries
    rows = ["| Version | Aliases | Created | MB |", "|---|---|---|---:|"]
    for version in reversed(store.versions(name)):
        manifest = store.manifest(name, version)
        names = ", ".join(alias for alias, entry in aliases.items() if entry.version == version) or "—"
        size = sum(file.size_bytes for file in manifest.files) / 1e6
        rows.append(f"| {version} | {names} | {manifest.created_at:%Y-%m-%d %H:%M} | {size:.1f} |")
    return "\n".join([f"## Releases of {name}", "", *rows])


def _list_figures(manifest: Manifest) -> str:
    image = manifest.image
    facts = {
        "Pictures": f"{image.height}×{image.width}, {_COLOURS[image.channels]}",
        "Latent": f"{manifest.latent.size} numbers, {manifest.latent.distribution}",
        "Classes": ", ".join(manifest.label.classes[:20]) if manifest.label else "none",
        "Licence": manifest.licence,
    }
    facts |= {name.replace("_", " "): f"{value:.4g}" for name, value in manifest.metrics.items()}
    rows = [f"| {name} | {value.replace('|', '/')} |" for name, value in facts.items()]
    return "\n".join([f"## {manifest.reference}", "", "| Figure | Value |", "|---|---|", *rows])


def _plot(points: list[Point]) -> gradio.LinePlot:
    return gradio.LinePlot(pandas.DataFrame(points) if points else None, visible=bool(points))
