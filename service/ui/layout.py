"""The page as a whole: its head, its tabs, and what happens when it is opened."""

import os
from pathlib import Path
from typing import Any

import gradio
from fastapi import FastAPI

from service.context import Context
from service.ui.choice import add_choice, fill_classes, fill_models
from service.ui.explore_tab import add_explore_tab
from service.ui.generate_tab import add_generate_tab
from service.ui.models_tab import add_models_tab
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
_CACHE_SWEEP_S, _CACHE_KEEP_S = 300, 900
_WAITING_EVENTS = 64
_EVENTS_AT_ONCE = 8


def build_page(service: Context, path: str) -> FastAPI:
    """An application with the page mounted at `path`; takes seconds, so call it in a thread."""
    holder = FastAPI(openapi_url=None)
    gradio.mount_gradio_app(
        holder,
        lay_out(service, Path(os.environ["GRADIO_TEMP_DIR"])),
        path=path,
        root_path=service.settings.root_path + path if service.settings.root_path else None,
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
    return holder


def lay_out(service: Context, folder: Path) -> gradio.Blocks:
    """The widgets and their events; files that events make go into `folder`."""
    page = gradio.Blocks(
        title="Ganymede", analytics_enabled=False, delete_cache=(_CACHE_SWEEP_S, _CACHE_KEEP_S)
    )
    with page:
        gradio.Markdown("# Ganymede\nPictures from a generator: the same pictures for the same seed.")
        choice = add_choice()
        with gradio.Tabs() as tabs:
            with gradio.Tab("Generate", id="generate"):
                generating = add_generate_tab(service, choice)
            with gradio.Tab("Walk", id="walk") as walk_place:
                walking = add_walk_tab(service, choice, folder)
            with gradio.Tab("Explore", id="explore") as explore_place:
                exploring = add_explore_tab(service, choice, explore_place)
            with gradio.Tab("Models", id="models"):
                models = add_models_tab(service, choice.model)

        async def choose_model() -> gradio.Dropdown:
            return await fill_models(service)

        async def choose_class(model: str | None) -> gradio.Dropdown:
            return await fill_classes(service, model)

        def walk_by(keys: str, picked: str) -> tuple[str, Any]:
            return add_key(keys, int(picked)), gradio.Tabs(selected="walk")

        private: dict[str, Any] = {"api_visibility": "private"}
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
    page.queue(max_size=_WAITING_EVENTS, default_concurrency_limit=_EVENTS_AT_ONCE)
    return page
