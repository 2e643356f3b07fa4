"""The tab that explores: sliders over a model's directions, and what they do to some pictures."""

from dataclasses import dataclass
from typing import Any

import gradio

from foundation.errors import GanymedeError
from service.endpoints.context import Context
from service.requests.directions import Directions
from service.ui.choice import Choice
from service.ui.events import RAW
from service.ui.gallery import lay_gallery
from service.ui.requests import (
    explain,
    explained,
    generate_pictures,
    list_pictures,
    request_fields,
    write_curl,
)

_SLIDERS = 6
_PICTURES = 8
_REACH = 3.0


@dataclass(frozen=True, slots=True)
class ExploreTab:
    """What lays out the sliders of a model, once it and its class are chosen."""

    fill: Any
    inputs: list[Any]
    outputs: list[Any]


def add_explore_tab(context: Context, choice: Choice, tab: gradio.Tab) -> ExploreTab:
    """Lay out the tab and wire it; its pictures come when it is opened, and follow the sliders."""
    with gradio.Row():
        with gradio.Column(scale=1, min_width=280):
            hint = gradio.Markdown(elem_id="explore-hint")
            steered = gradio.Textbox(visible=False)  # the model that the sliders are laid out for
            names = gradio.JSON([], visible=False)  # of its directions
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
        with explained():
            found = await _find_directions(context, model)
        if found is None:
            name = (model or "MODEL").partition("@")[0]
            text = f"{model} has no directions. `ganymede directions {name}` publishes a release that has."
            return [text, model, [], *(gradio.Slider(value=0, visible=False) for _ in sliders)]
        shown = [
            gradio.Slider(value=0, visible=True, label=name if name != str(index) else f"Direction {index}")
            for index, name in enumerate(found.names[:_SLIDERS])
        ]
        rest = [gradio.Slider(value=0, visible=False) for _ in range(_SLIDERS - len(shown))]
        text = f"Move a slider and see what changes in {model}."
        return [text, model, list(found.names[:_SLIDERS]), *shown, *rest]

    async def explore(
        visitor: gradio.Request,
        label: str | None,
        truncation: float,
        model: str | None,
        names: list[str],
        seed: float | None,
        *amounts: float,
    ) -> tuple[Any, Any]:
        fields = {**request_fields(model, label, truncation), "seed": int(seed or 0), "count": _PICTURES}
        if moved := {name: amount for name, amount in zip(names, amounts, strict=False) if amount}:
            fields["directions"] = moved
        try:
            pictures = await generate_pictures(context, fields, visitor)
        except Exception as error:
            # Not an error to Gradio: after one it would forget the movement that waits behind this one.
            title, sentence = explain(error)
            gradio.Warning(sentence, title=title)
            return gradio.skip(), gradio.skip()
        line = write_curl(visitor, "/generate", {**fields, "columns": 4}, "grid.png")
        return gradio.Gallery(list_pictures(pictures), selected_index=None), line

    # All that changes the pictures comes by this one event, and one at a time: of two that ran at once the
    # older one could end last, and the pictures would not be those of the sliders.
    gradio.on(
        [tab.select, hint.change, seed.submit, choice.label.input, choice.truncation.release]
        + [slider.change for slider in sliders],
        explore,
        [choice.label, choice.truncation, steered, names, seed, *sliders],
        [gallery, curl],
        trigger_mode="always_last",
        concurrency_limit=1,
        **RAW,
        show_progress="hidden",
    )
    back.click(lambda: [0] * _SLIDERS, None, sliders, queue=False, **RAW, show_progress="hidden")
    return ExploreTab(offer, [choice.model], [hint, steered, names, *sliders])


async def _find_directions(context: Context, model: str | None) -> Directions | None:
    """The model's directions; None if it has none that can be used, or cannot be had itself."""
    try:
        return await (await context.releases.resolve(model)).directions.get()
    except GanymedeError:
        return None
