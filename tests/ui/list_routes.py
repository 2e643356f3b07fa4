"""Prints path and methods of every route of Gradio's application, as the page mounts it, as JSON.

A program of its own, because Gradio leaves event loops open where it builds a page outside of one.
"""

import json
import os
import sys
from pathlib import Path

from fastapi import APIRouter

from service.app import create_app
from service.settings import Settings


def walk_routes(app) -> list[tuple[str, list[str]]]:
    """FastAPI keeps the routes of a router that was included behind it."""
    found = []
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        found += walk_routes(inner) if isinstance(inner, APIRouter) else [(route.path, [*route.methods])]
    return found


def main(models: str, folder: Path) -> None:
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(folder))
    from service.ui import layout  # Gradio takes seconds to import
    from service.ui.folder import Folder

    context = create_app(Settings(models=models)).state.context
    application = layout.build_page(context, "/ui", Folder(folder)).application
    print(json.dumps([found for route in application.routes for found in walk_routes(route.app)]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
