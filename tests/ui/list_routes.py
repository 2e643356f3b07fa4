"""Prints what is behind the gate as JSON: the routes of Gradio's application, and what it says to a file.

A program of its own, because Gradio leaves event loops open where it builds a page outside of one.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.testclient import TestClient

from service.application import create_app
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
    application: Any = layout.build_page(context, "/ui", Folder(folder)).application
    routes = [found for route in application.routes for found in walk_routes(route.app)]
    with TestClient(application) as client:
        [gradios] = (route.app for route in application.routes)
        events = gradios.get_blocks().fns.values()
        number, size = next((event._id, len(event.inputs)) for event in events if not event.queue)
        file = {"path": __file__, "meta": {"_type": "gradio.FileData"}}
        body = {"data": [file] * size, "fn_index": number, "session_hash": "one"}
        answer = client.post("/ui/gradio_api/run/predict", json=body)
    print(json.dumps({"routes": routes, "status": answer.status_code, "copies": count_files(folder)}))


def count_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
