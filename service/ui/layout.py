"""The page as a whole: its head, its tabs, and what happens when it is opened."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio
from fastapi import FastAPI

from foundation.errors import InvalidField
from service.endpoints.context import Context
from service.http.reading import Bodies
from service.ui.choice import add_choice, fill_classes, fill_models
from service.ui.events import RAW, Events
from service.ui.explore_tab import add_explore_tab
from service.ui.folder import Folder
from service.ui.gate import MAX_EVENT_BYTES, Gate
from service.ui.generate_tab import add_generate_tab
from service.ui.models_tab import add_models_tab
from service.ui.requests import explained
from service.ui.sessions import MAX_SESSIONS, Sessions
from service.ui.walk_tab import add_key, add_walk_tab

_STYLE = """
.dark { --color-accent: var(--primary-300); }
.pixels img, .pixels video { image-rendering: pixelated; }
.gradio-container { width: 100% !important; max-width: 1120px !important; margin: 0 auto !important; }
.gradio-container > main, .gradio-container .fillable { min-width: 0; max-width: none !important; }
@media (max-width: 480px) {
  .tab-container button { padding-inline: 8px !important; }
  #releases th, #releases td { padding: 4px 6px !important; word-break: keep-all; overflow-wrap: normal; }
}
.grid-container {
  grid-template-columns: repeat(var(--grid-cols), minmax(0, 1fr)) !important;
  grid-auto-rows: max-content !important;
}
.grid-wrap { min-height: 0 !important; }
.grid-wrap.fixed-height { max-height: none !important; }
.pixels .thumbnail-item { aspect-ratio: 1; height: auto; min-height: 0; }
#class input { padding-right: 1.5em; text-overflow: ellipsis; }
"""
_WAITING_EVENTS = 64
_EVENTS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class BuiltPage:
    """The page: what answers for it, and the application behind, whose lifespan has to run."""

    gate: Gate
    application: FastAPI


def build_page(context: Context, path: str, folder: Folder) -> BuiltPage:
    """The page for `path`, with its files in `folder`; takes seconds, so call it in a thread."""
    holder = FastAPI(openapi_url=None)
    page = lay_out(context, folder.path)
    # Gradio sets this in `launch` alone, and until then copies any file of the server's that a client names.
    page.has_launched = True
    page.state_session_capacity = MAX_SESSIONS
    gradio.mount_gradio_app(
        holder,
        page,
        path=path,
        root_path=context.settings.root_path + path if context.settings.root_path else None,
        footer_links=[],
        run_history=False,
        show_error=True,
        max_file_size="1kb",
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        theme=gradio.themes.Default(
            primary_hue="indigo",
            neutral_hue="slate",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ).set(  # Gradio's own greys and accents have too little contrast to read (WCAG 2.2, 1.4.3)
            color_accent="*primary_700",
            slider_color="*primary_700",
            button_primary_background_fill="*primary_700",
            button_primary_background_fill_hover="*primary_800",
            body_text_color_subdued="*neutral_600",
            block_info_text_color="*neutral_600",
            block_label_text_color="*neutral_600",
        ),
        css=_STYLE,
    )
    bodies = Bodies(max_bytes=MAX_EVENT_BYTES, max_images=1, timeout_s=context.settings.body_timeout_s)
    gate = Gate(holder, events=Events(page), sessions=Sessions(page), folder=folder, bodies=bodies)
    return BuiltPage(gate, holder)


def lay_out(context: Context, folder: Path) -> gradio.Blocks:
    """The widgets and their events; files that events make go into `folder`."""
    page = gradio.Blocks(title="Ganymede", analytics_enabled=False)
    with page:
        gradio.Markdown("# Ganymede\nPictures from a generator: the same pictures for the same seed.")
        choice = add_choice()
        with gradio.Tabs() as tabs:
            with gradio.Tab("Generate", id="generate"):
                generating = add_generate_tab(context, choice)
            with gradio.Tab("Walk", id="walk") as walk_place:
                walking = add_walk_tab(context, choice, folder)
            with gradio.Tab("Explore", id="explore") as explore_place:
                exploring = add_explore_tab(context, choice, explore_place)
            with gradio.Tab("Models", id="models"):
                models = add_models_tab(context, choice.model, folder)

        async def choose_model() -> gradio.Dropdown:
            with explained():
                return await fill_models(context)

        async def choose_class(model: str | None) -> gradio.Dropdown:
            with explained():
                return await fill_classes(context, model)

        def walk_by(keys: str, picked: str) -> tuple[str, Any]:
            with explained():
                if not re.fullmatch(r"[0-9]{1,10}", picked):
                    raise InvalidField("Picked picture", "click a picture, or write its seed")
                return add_key(keys, int(picked)), gradio.Tabs(selected="walk")

        private: dict[str, Any] = dict(RAW)
        last: dict[str, Any] = {**private, "trigger_mode": "always_last"}  # a second choice is not lost
        opened = page.load(choose_model, None, choice.model, **private)
        opened = opened.then(choose_class, choice.model, choice.label, **private)
        opened.then(models.fill, choice.model, models.outputs, **private)
        chosen = choice.model.input(choose_class, choice.model, choice.label, **last)
        for ready in (opened, chosen):
            for tab in (generating, exploring):
                ready.then(tab.fill, tab.inputs, tab.outputs, **last)
        chosen.then(walking.fill, walking.inputs, walking.outputs, **last)
        walk_place.select(walking.fill, walking.inputs, walking.outputs, **private)
        generating.to_walk.click(walk_by, [walking.keys, generating.picked], [walking.keys, tabs], **private)
    page.queue(max_size=_WAITING_EVENTS, default_concurrency_limit=_EVENTS_AT_ONCE, api_open=False)
    return page
