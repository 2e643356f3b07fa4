"""The gallery that three tabs show their pictures in."""

import gradio


def lay_gallery(label: str, elem_id: str, *, download: bool = False) -> gradio.Gallery:
    """A gallery of small pictures, each pixel a sharp square; clicking selects and opens nothing."""
    return gradio.Gallery(
        label=label,
        show_label=False,
        columns=4,
        format="png",
        height="auto",
        object_fit="contain",
        allow_preview=False,
        interactive=False,
        buttons=["download"] if download else [],
        elem_id=elem_id,
        elem_classes="pixels",
    )
