"""The recipe that would be chosen for a set, and why: a preset with settings, each with its reason."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from training.config import C, Configuration, override, write_value
from training.data.pictures import count_held_out
from training.plan.survey import Survey
from training.preset import PictureSet, Preset
from training.presets import draws, find_preset
from training.shape import PictureShape

SMALL, LARGE = 32, 64
"""Sides that are drawn well in hours on a CPU: what the pictures of a folder become, and twice as much."""
SMALL_SET = 2_000
"""Below it, what the documentation says of small sets: save seldom, hold nothing out."""
SAVES = 15
"""Times that a run of many short epochs is saved, and its samples drawn."""


class Reason(BaseModel):
    """A setting and why it is as it is."""

    model_config = ConfigDict(frozen=True)

    setting: str
    value: str
    why: str


class Recipe(BaseModel):
    """What to give to `ganymede train`."""

    model_config = ConfigDict(frozen=True)

    preset: str
    settings: dict[str, str]
    """For --set: those that differ from the preset's defaults."""
    reasons: tuple[Reason, ...]


def choose_recipe(survey: Survey, preset: str, given: list[str]) -> Recipe:
    """Return the recipe for a set, around the settings that are `given` as key=value.

    What a preset chooses for the pictures by itself is said with the rest, but need not be set; the size is.

    Raises:
        ConfigurationError: there is no such preset or setting.
    """
    chosen = find_preset(preset)
    configuration = override(chosen.defaults, given)
    own = {assignment.partition("=")[0].strip() for assignment in given}
    sizes = choose_shape(survey, chosen, configuration)
    sized = override(configuration, [f"{reason.setting}={reason.value}" for reason in sizes])
    kept = [] if sizes or configuration.size else explain_size(survey, chosen, configuration)
    automatic = [reason for reason in explain_automatic(survey, chosen, sized) if reason.setting not in own]
    names = {reason.setting for reason in automatic}
    seldom = choose_intervals(survey, fill_in(sized, survey), fixed=own | names)
    set_here = [reason for reason in (*sizes, *seldom) if reason.setting not in own]
    settings = {reason.setting: reason.value for reason in set_here}
    settings |= {key.strip(): value.strip() for key, _, value in (each.partition("=") for each in given)}
    return Recipe(preset=preset, settings=settings, reasons=(*set_here, *kept, *automatic))


def fill_in(configuration: C, survey: Survey) -> C:
    """Return a configuration with what its preset chooses by itself for such pictures."""
    pictures = describe_set(survey, configuration)
    chosen = find_preset(configuration.preset).choose_settings(configuration, pictures)
    return configuration.model_copy(update=chosen)


def describe_set(survey: Survey, configuration: Configuration) -> PictureSet:
    """Return what settings are chosen by."""
    return PictureSet(count_trained(survey, configuration), find_shape(survey, configuration))


def configure(recipe: Recipe, survey: Survey) -> Configuration:
    """Return the configuration of a recipe."""
    settings = [f"{key}={value}" for key, value in recipe.settings.items()]
    defaults: Configuration = find_preset(recipe.preset).defaults
    return override(defaults, [f"data={survey.source}", *settings])


def find_shape(survey: Survey, configuration: Configuration) -> PictureShape:
    """Return the shape of the pictures as they would be prepared."""
    side = survey.sides.median if is_uniform(survey) else SMALL
    height, width = configuration.choose_sides(side, side)
    return PictureShape(
        height=height,
        width=width,
        channels=configuration.channels or (1 if survey.grey else 3),
        class_names=tuple(survey.classes),
    )


def is_uniform(survey: Survey) -> bool:
    """Say whether the set is one whose pictures stay as they are unless a size is set."""
    return not survey.source.startswith(("folder:", "s3:"))


def choose_shape(survey: Survey, preset: Preset[Any], configuration: Configuration) -> list[Reason]:
    """Return the side to set where the networks cannot draw what `ganymede train` makes unless one is set."""
    side = survey.sides.median
    kept = find_shape(survey, configuration)
    if configuration.size or draws(preset, kept):
        return []
    sizes = [
        size
        for size in (SMALL, LARGE)
        if draws(preset, kept.model_copy(update={"height": size, "width": size}))
    ]
    if not sizes:
        return []
    fitting = [size for size in sizes if size <= side] or sizes[:1]
    why = f"the networks draw no {kept.sides}; {describe_sides(survey)}"
    return [Reason(setting="size", value=str(max(fitting)), why=why)]


def explain_size(survey: Survey, preset: Preset[Any], configuration: Configuration) -> list[Reason]:
    """Return why the pictures of a folder have the size that they become unless one is set."""
    if is_uniform(survey):
        return []
    shape = find_shape(survey, configuration)
    why = f"what the pictures of a folder become unless it is set; {describe_sides(survey)}"
    larger = shape.model_copy(update={"height": LARGE, "width": LARGE})
    if survey.sides.median >= LARGE and draws(preset, larger):
        why += f". They bear --set size={LARGE}, which takes about twice as long on a processor"
        if survey.sides.median >= 2 * LARGE:
            why += "; more is for a GPU"
    return [Reason(setting="size", value=shape.sides.partition("x")[0], why=why)]


def describe_sides(survey: Survey) -> str:
    """Return how large the pictures are."""
    sides = survey.sides
    return f"the shorter sides have {sides.smallest} to {sides.largest} pixels, {sides.median} in the middle"


def choose_intervals(survey: Survey, configuration: Configuration, *, fixed: set[str]) -> list[Reason]:
    """Return how often to save and draw a run of many short epochs; nothing that is fixed."""
    epochs = configuration.epochs
    if epochs < 4 * SAVES or survey.count >= SMALL_SET:
        return []
    interval, why = str(epochs // SAVES), "an epoch of so few pictures is short"
    seldom = {"checkpoint_epochs", "sample_epochs"} - fixed
    return [Reason(setting=setting, value=interval, why=why) for setting in sorted(seldom)]


def count_trained(survey: Survey, configuration: Configuration) -> int:
    """Return how many pictures are trained on: what is held out is not."""
    if survey.test_count:
        return survey.count
    return max(1, survey.count - count_held_out(survey.count, configuration))


def explain_automatic(survey: Survey, preset: Preset[Any], configuration: Configuration) -> list[Reason]:
    """Return what `auto` would stand for in the preset's settings, by the pictures' number and shape."""
    chosen = preset.choose_settings(configuration, describe_set(survey, configuration))
    # Whether they may be mirrored is seen when they are prepared, and the width goes by the device.
    return [
        Reason(
            setting=name, value=write_value(value), why=f"auto, {preset.reasons.get(name, 'by the pictures')}"
        )
        for name, value in chosen.items()
        if name not in {"mirror", "width"}
    ]
