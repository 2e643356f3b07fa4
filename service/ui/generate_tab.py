"""The tab that generates: a seed, a number of pictures, and the pictures."""

import secrets
from dataclasses import dataclass
from typing import Any

import gradio

from foundation.latents import SEED_LIMIT
from service.endpoints.context import Context
from service.ui.choice import Choice
from service.ui.events import RAW
from service.ui.gallery import lay_gallery
from service.ui.requests import explained, generate_pictures, list_pictures, request_fields, write_curl

_MAX_COUNT = 64
SEEDS_DRAWN = 1_000_000
"""The page draws its seeds below this: they are easier to read and to remember."""


@dataclass(frozen=True, slots=True)
class GenerateTab:
    """What other parts of the page use of this tab: a picked seed, and the event that fills the tab."""

    picked: gradio.Textbox
    to_walk: gradio.Button
    fill: Any
    inputs: list[Any]
    outputs: list[Any]


def add_generate_tab(context: Context, choice: Choice) -> GenerateTab:
    """Lay out the tab and wire it."""
    with gradio.Row():
        with gradio.Column(scale=1, min_width=260):
            seed = gradio.Number(0, label="Seed", precision=0, minimum=0, maximum=SEED_LIMIT - 1)
            keep = gradio.Checkbox(value=False, label="Keep this seed", elem_id="keep-seed")
            count = gradio.Slider(1, _MAX_COUNT, 16, step=1, label="Pictures")
            columns = gradio.Slider(1, 8, 4, step=1, label="Columns")
            with gradio.Row():
                dice = gradio.Button("🎲 New seed", min_width=120)
                go = gradio.Button("Generate", variant="primary", min_width=120, elem_id="generate")
            picked = gradio.Textbox(
                label="Picked picture",
                placeholder="Click a picture to get its seed",
                buttons=["copy"],
                elem_id="picked",
            )
            to_walk = gradio.Button("Walk by way of it", interactive=False, elem_id="to-walk")
        with gradio.Column(scale=2, min_width=300):
            gallery = lay_gallery("Pictures", "pictures", download=True)
            shown = gradio.Number(0, minimum=0, maximum=SEED_LIMIT - 1, visible=False)
    curl = gradio.Textbox(
        label="The same by curl", buttons=["copy"], lines=2, interactive=False, elem_id="generate-curl"
    )

    async def generate(
        model: str | None,
        label: str | None,
        truncation: float,
        seed: float | None,
        keep: bool,
        count: float,
        columns: float,
        visitor: gradio.Request,
    ) -> tuple[Any, ...]:
        with explained():
            number = int(seed) if keep and seed is not None else _draw_seed()
            fields = {**request_fields(model, label, truncation), "seed": number, "count": int(count)}
            pictures = await generate_pictures(context, fields, visitor)
        gallery = gradio.Gallery(list_pictures(pictures), columns=int(columns), selected_index=None)
        line = write_curl(visitor, "/generate", {**fields, "columns": int(columns)}, "grid.png")
        return gallery, number, number, line, "", gradio.Button(interactive=False)

    def pick(shown: float | None, event: gradio.SelectData) -> tuple[str, gradio.Button]:
        return str(int(shown or 0) + int(event.index)), gradio.Button(interactive=True)

    inputs = [*choice.inputs, seed, keep, count, columns]
    outputs = [gallery, seed, shown, curl, picked, to_walk]
    gradio.on(
        [go.click, seed.submit],
        generate,
        inputs,
        outputs,
        **RAW,
        show_progress_on=gallery,
    )
    dice.click(_draw_seed, None, seed, **RAW).then(lambda: True, None, keep, **RAW).then(
        generate, inputs, outputs, **RAW, show_progress_on=gallery
    )
    gallery.select(
        pick,
        shown,
        [picked, to_walk],
        **RAW,
        show_progress="hidden",
        queue=False,
    )
    return GenerateTab(picked, to_walk, generate, inputs, outputs)


def _draw_seed() -> int:
    return secrets.randbelow(SEEDS_DRAWN)
