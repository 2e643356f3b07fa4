"""The model, class and truncation that all tabs share."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio

from foundation.errors import GanymedeError, StoreError
from foundation.manifest import Manifest
from foundation.store import PRODUCTION, parse_reference, resolve_version
from service.endpoints.context import Context
from service.ui.requests import FROM_SEED


@dataclass(frozen=True, slots=True)
class Choice:
    """The widgets at the head of the page, as events take them."""

    model: gradio.Dropdown
    label: gradio.Dropdown
    truncation: gradio.Slider

    @property
    def inputs(self) -> list[Any]:
        """The widgets in the order in which handlers take their values."""
        return [self.model, self.label, self.truncation]


def add_choice() -> Choice:
    """Lay out the widgets; `fill_models` gives them their choices."""
    with gradio.Row():
        model = gradio.Dropdown([], label="Model", elem_id="model", min_width=140, filterable=False)
        label = gradio.Dropdown(
            [FROM_SEED], value=FROM_SEED, label="Class", elem_id="class", visible=False, min_width=140
        )
        truncation = gradio.Slider(
            0.1, 1, 1, step=0.05, label="Truncation", info="Lower: likelier, less varied", min_width=200
        )
    return Choice(model, label, truncation)


async def fill_models(context: Context) -> gradio.Dropdown:
    """Every model, and every version of it, with what a request without `model` means first."""
    names, default = await context.releases.asking.run(_list_references, context)
    return gradio.Dropdown(names, value=default)


async def fill_classes(context: Context, model: str | None) -> gradio.Dropdown:
    """The classes of a model, if it has any."""
    manifest = await context.releases.asking.run(find_manifest, context, model)
    classes = manifest.label.classes if manifest and manifest.label else ()
    return gradio.Dropdown([FROM_SEED, *classes], value=FROM_SEED, visible=bool(classes))


def find_manifest(context: Context, model: str | None) -> Manifest | None:
    """The manifest of what `model` means now; None if the store does not say."""
    store = context.releases.store
    try:
        reference = parse_reference(model) if model else context.releases.default_reference()
        return store.manifest(reference.model, resolve_version(store, reference))
    except GanymedeError:
        return None


def _list_references(context: Context) -> tuple[list[str], str | None]:
    store = context.releases.store
    names: list[str] = []
    for model in store.models():
        with suppress(StoreError):  # a model that is broken is no other's trouble
            if PRODUCTION in store.aliases(model).entries:
                names.append(model)
            names += [f"{model}@{version}" for version in reversed(store.versions(model))]
    default = None
    with suppress(GanymedeError):
        default = str(context.releases.default_reference()).removesuffix(f"@{PRODUCTION}")
    return names, default if default in names else next(iter(names), None)
