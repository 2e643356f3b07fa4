"""The tab that explores: sliders over a model's directions, and what they do to some pictures."""

import asyncio
from typing import Any

import gradio

from service.context import Context
from service.directions import DIRECTIONS_FILE, Directions, read_directions
from service.ui.choice import Choice, find_manifest
from service.ui.gallery import lay_gallery
from service.ui.orders import explained, generate_pictures, list_pictures, order_fields, write_curl

_SLIDERS = 6
_PICTURES = 8
_REACH = 8.0


def add_explore_tab(service: Context, choice: Choice, tab: gradio.Tab) -> None:
    """Lay out the tab and wire it; it is filled when it is opened and when the model changes."""
    with gradio.Row():
        with gradio.Column(scale=1, min_width=280):
            hint = gradio.Markdown(elem_id="explore-hint")
            seed = gradio.Number(0, label="First seed", precision=0, minimum=0, maximum=2**32 - _PICTURES)
            sliders = [
                gradio.Slider(-_REACH, _REACH, 0, step=0.25, label=f"Direction {index}", visible=False)
                for index in range(_SLIDERS)
            ]
            back = gradio.Button("Back to the middle", size="sm")
        with gradio.Column(scale=1, min_width=280):
            gallery = lay_gallery("Pictures", "explored")
    curl = gradio.Textbox(
        label="The same by curl", buttons=["copy"], lines=2, interactive=False, elem_id="explore-curl"
    )

    async def offer(model: str | None) -> list[Any]:
        found = await asyncio.to_thread(_find_directions, service, model)
        if found is None:
            name = (model or "MODEL").partition("@")[0]
            text = f"This release has no directions. `ganymede directions {name}` publishes one that has."
            return [text, *(gradio.Slider(value=0, visible=False) for _ in sliders)]
        shown = [
            gradio.Slider(value=0, visible=True, label=name if name != str(index) else f"Direction {index}")
            for index, name in enumerate(found.names[:_SLIDERS])
        ]
        rest = [gradio.Slider(value=0, visible=False) for _ in range(_SLIDERS - len(shown))]
        return ["Move a slider and see what changes.", *shown, *rest]

    async def explore(
        request: gradio.Request,
        model: str | None,
        label: str | None,
        truncation: float,
        seed: float | None,
        *amounts: float,
    ) -> tuple[Any, str]:
        fields = {**order_fields(model, label, truncation), "seed": int(seed or 0), "count": _PICTURES}
        if moved := {str(index): amount for index, amount in enumerate(amounts) if amount}:
            fields["directions"] = moved
        with explained():
            pictures = await generate_pictures(service, fields)
        line = write_curl(request, "/generate", {**fields, "columns": 4}, "grid.png")
        return gradio.Gallery(list_pictures(pictures.images), selected_index=None), line

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    inputs = [*choice.inputs, seed, *sliders]

    for opened in (tab.select, choice.model.change):
        opened(offer, choice.model, [hint, *sliders], **private).then(
            explore, inputs, [gallery, curl], **private
        )
    gradio.on(
        [slider.change for slider in sliders] + [seed.submit],
        explore,
        inputs,
        [gallery, curl],
        trigger_mode="always_last",
        **private,
    )
    back.click(lambda: [0] * _SLIDERS, None, sliders, **private).then(
        explore, inputs, [gallery, curl], **private
    )


def _find_directions(service: Context, model: str | None) -> Directions | None:
    manifest = find_manifest(service, model)
    if manifest is None or manifest.file(DIRECTIONS_FILE) is None:
        return None
    return read_directions(service.releases.store, manifest)
