"""A Gradio page for Hugging Face Spaces, in front of a running service.

`pip install gradio`, then `GANYMEDE_URL=https://… python examples/gradio_app.py`; a service with keys takes
the one in `GANYMEDE_KEY`. The service's own page, at `/ui`, needs none of this.
"""

import io
import os
import tempfile
import zipfile
from pathlib import Path

import gradio
import httpx
from PIL import Image

SERVICE = httpx.Client(
    base_url=os.environ.get("GANYMEDE_URL", "http://127.0.0.1:8000"),
    headers={"X-Api-Key": os.environ["GANYMEDE_KEY"]} if "GANYMEDE_KEY" in os.environ else {},
    timeout=60,
)


def ask(path: str, **fields: object) -> bytes:
    """The service's answer; a refusal is shown in its own words."""
    answer = SERVICE.post(path, json=fields)
    if answer.is_error:
        raise gradio.Error(answer.json().get("detail", f"The service answered {answer.status_code}."))
    return answer.content


def generate(model: str, seed: float, count: float, truncation: float) -> list[Image.Image]:
    """Pictures from a seed on."""
    fields = {"seed": int(seed), "count": int(count), "truncation": truncation, "scale": 4}
    with zipfile.ZipFile(io.BytesIO(ask("/generate", model=model, format="zip", **fields))) as archive:
        return [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]


def walk(model: str, seeds: str, truncation: float) -> str:
    """A film that goes from seed to seed and back to the first."""
    keys = [int(word) for word in seeds.replace(",", " ").split()]
    way = {"seeds": keys, "truncation": truncation, "frames": 120, "loop": True, "scale": 8}
    path = Path(tempfile.mkdtemp(), "walk.mp4")
    path.write_bytes(ask("/latent-walk", model=model, format="mp4", **way))
    return str(path)


def build_page() -> gradio.Blocks:
    """Two tabs on the service's models."""
    models = [model["name"] for model in SERVICE.get("/models").raise_for_status().json()["models"]]
    with gradio.Blocks(title="Ganymede") as page:
        model = gradio.Dropdown(models, label="Model")
        truncation = gradio.Slider(0.1, 1, 0.8, label="Truncation")
        with gradio.Tab("Pictures"):
            seed = gradio.Number(0, label="Seed", precision=0)
            count = gradio.Slider(1, 64, 16, step=1, label="Pictures")
            gallery = gradio.Gallery(columns=4, format="png")
            gradio.Button("Generate").click(generate, [model, seed, count, truncation], gallery)
        with gradio.Tab("Walk"):
            keys = gradio.Textbox("3, 14, 9", label="Seeds")
            film = gradio.Video(autoplay=True, loop=True)
            gradio.Button("Walk").click(walk, [model, keys, truncation], film)
    return page


if __name__ == "__main__":
    build_page().launch()
