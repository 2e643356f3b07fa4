"""The tab that walks: key pictures from a gallery, and the animation between them."""

import asyncio
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio
import orjson

from foundation.errors import InvalidField
from foundation.latents import SEED_LIMIT
from service.endpoints.context import Context
from service.endpoints.walk import accept_walk
from service.engine.walks import render_walk
from service.http.bodies import parse_body
from service.http.requesters import requesting
from service.requests.schemas import WalkRequest
from service.ui.choice import Choice
from service.ui.events import RAW
from service.ui.gallery import lay_gallery
from service.ui.generate_tab import SEEDS_DRAWN
from service.ui.requests import (
    explained,
    generate_pictures,
    list_pictures,
    request_fields,
    scope_of,
    write_curl,
)

_CANDIDATES = 12
_PLAYED_PIXELS = 320
_KEPT_S = 60  # Gradio copies a file at once; ours can go


@dataclass(frozen=True, slots=True)
class WalkTab:
    """What other parts of the page use of this tab."""

    keys: gradio.Textbox
    fill: Any
    inputs: list[Any]
    outputs: list[Any]


def add_walk_tab(context: Context, choice: Choice, folder: Path) -> WalkTab:
    """Lay out the tab and wire it; walks are written into `folder`."""
    with gradio.Row():
        with gradio.Column(scale=1, min_width=280):
            gradio.Markdown("Click two or more pictures to walk by way of them.")
            gallery = lay_gallery("Pictures to walk by way of", "candidates")
            # The seed of the first picture.
            first = gradio.Number(None, minimum=0, maximum=SEED_LIMIT - 1, visible=False)
            others = gradio.Button("🎲 Other pictures", size="sm")
            keys = gradio.Textbox(
                "",
                label="Key pictures (seeds)",
                placeholder="Such as 1, 5, 9",
                elem_id="keys",
                max_length=400,
            )
            with gradio.Row():
                frames = gradio.Slider(10, 600, 120, step=10, label="Frames", min_width=140)
                fps = gradio.Slider(5, 60, 30, step=5, label="Frames a second", min_width=140)
            way = gradio.Radio(["slerp", "lerp", "spline"], value="slerp", label="Way")
            with gradio.Row():
                loop = gradio.Checkbox(value=True, label="Return to the first", min_width=140)
                smooth = gradio.Checkbox(value=False, label="Slow at key pictures", min_width=140)
            go = gradio.Button("Walk", variant="primary", elem_id="walk")
        with gradio.Column(scale=1, min_width=280):
            video = gradio.Video(
                label="The walk",
                format="mp4",
                autoplay=True,
                loop=True,
                interactive=False,
                visible=False,
                buttons=["download"],
                elem_id="video",
                elem_classes="pixels",
            )
    curl = gradio.Textbox(
        label="The same by curl", buttons=["copy"], lines=2, interactive=False, elem_id="walk-curl"
    )

    async def offer(
        model: str | None,
        label: str | None,
        truncation: float,
        first: float | None,
        visitor: gradio.Request,
    ) -> tuple[Any, int]:
        number = secrets.randbelow(SEEDS_DRAWN) if first is None else int(first)
        fields = {**request_fields(model, label, truncation), "seed": number, "count": _CANDIDATES}
        with explained():
            pictures = await generate_pictures(context, fields, visitor)
        return gradio.Gallery(list_pictures(pictures), selected_index=None), number

    async def offer_others(
        model: str | None, label: str | None, truncation: float, visitor: gradio.Request
    ) -> tuple[Any, int]:
        return await offer(model, label, truncation, None, visitor)

    def pick(keys: str, first: float | None, event: gradio.SelectData) -> str:
        return add_key(keys, int(first or 0) + int(event.index))

    async def walk(
        model: str | None,
        label: str | None,
        truncation: float,
        keys: str,
        frames: float,
        fps: float,
        way: str,
        loop: bool,
        smooth: bool,
        visitor: gradio.Request,
        progress: gradio.Progress = gradio.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> tuple[gradio.Video, str]:
        fields = {
            **request_fields(model, label, truncation),
            "frames": int(frames),
            "fps": int(fps),
            "interpolation": way,
            "loop": loop,
            "easing": "smooth" if smooth else "linear",
            "format": "mp4",
        }
        with explained():
            fields["seeds"] = read_keys(keys)
            path, scale = await _render(context, fields, folder, visitor, progress)
        line = write_curl(visitor, "/latent-walk", {**fields, "scale": scale}, "walk.mp4")
        return gradio.Video(str(path), visible=True), line

    others.click(offer_others, choice.inputs, [gallery, first], **RAW)
    gallery.select(
        pick,
        [keys, first],
        keys,
        **RAW,
        show_progress="hidden",
        trigger_mode="multiple",  # clicks in quick succession all count
        queue=False,
    )
    gradio.on(
        [go.click, keys.submit],
        walk,
        [*choice.inputs, keys, frames, fps, way, loop, smooth],
        [video, curl],
        **RAW,
        show_progress_on=[video, curl],
    )
    return WalkTab(keys, offer, [*choice.inputs, first], [gallery, first])


def read_keys(text: str) -> list[int]:
    """Seeds as a visitor writes them.

    Raises:
        InvalidField: there are other things than seeds, or fewer than two.
    """
    if re.search(r"[^\d\s,;]", text):
        raise InvalidField("Key pictures", "write seeds as numbers with commas, such as 1, 5, 9")
    seeds = [int(part) for part in re.findall(r"\d+", text)]
    if any(seed >= SEED_LIMIT for seed in seeds):
        raise InvalidField("Key pictures", f"seeds are from 0 to {SEED_LIMIT - 1}")
    if len(seeds) < 2:
        raise InvalidField("Key pictures", "a walk needs two or more; click pictures, or write their seeds")
    return seeds


def add_key(text: str, seed: int) -> str:
    """The text of the key pictures with one more."""
    return ", ".join([*re.findall(r"\d+", text), str(seed)])


async def _render(
    context: Context,
    fields: dict[str, Any],
    folder: Path,
    visitor: gradio.Request,
    progress: gradio.Progress,
) -> tuple[Path, int]:
    """The file of a walk, enlarged so that it can be seen, and how much."""
    release = await context.releases.resolve(fields.get("model"))
    image = release.manifest.image
    scale = max(1, _PLAYED_PIXELS // max(image.height, image.width))
    request = parse_body(orjson.dumps({**fields, "scale": scale}), WalkRequest)
    with requesting(scope_of(visitor)):
        release, keys, holding = await accept_walk(context, request, "mp4", release=release)
    with holding:
        await asyncio.to_thread(_remove_old_walks, folder)
        path = folder / f"walk-{secrets.token_hex(8)}.mp4"
        await render_walk(
            context.engine,
            release.generator,
            keys,
            request,
            path,
            "mp4",
            timeout_s=context.settings.request_timeout_s,
            report=lambda done: progress((done, request.frames), unit="frames"),
            requester=holding.requester,
        )
    return path, scale


def _remove_old_walks(folder: Path) -> None:
    for old in folder.glob("walk-*.mp4"):
        with suppress(FileNotFoundError):  # another walk, or the sweep, was faster
            if old.stat().st_mtime < time.time() - _KEPT_S:
                old.unlink()
