"""The recipe that would be chosen for a set, and why: a preset with settings, each with its reason."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from training.config import C, Configuration, override
from training.data.pictures import count_held_out
from training.plan.survey import Survey
from training.preset import PictureSet, Preset
from training.presets import draws, find_preset
from training.shape import PictureShape

SMALL, LARGE = 32, 64
"""Sides that are drawn well in hours on a CPU: small pictures, and everything larger."""
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
    automatic = [reason for reason in explain_automatic(survey, chosen, sized) if reason.setting not in own]
    names = {reason.setting for reason in automatic}
    seldom = choose_intervals(survey, fill_in(sized, survey), fixed=own | names)
    set_here = [reason for reason in (*sizes, *seldom) if reason.setting not in own]
    settings = {reason.setting: reason.value for reason in set_here}
    settings |= {key.strip(): value.strip() for key, _, value in (each.partition("=") for each in given)}
    return Recipe(preset=preset, settings=settings, reasons=(*set_here, *automatic))


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
    """Return the side that suits pictures and networks, where it is not the preset's own to say."""
    side = survey.sides.median
    bounded = min(max(side, 8), 1024)
    kept = PictureShape(height=bounded, width=bounded, channels=1 if survey.grey else 3)
    if is_uniform(survey) and draws(preset, kept):
        return []
    sizes = [
        size
        for size in (SMALL, LARGE)
        if draws(preset, kept.model_copy(update={"height": size, "width": size}))
    ]
    if configuration.size or not sizes:
        return []
    fitting = [size for size in sizes if size <= side] or sizes[:1]
    size = max(fitting)
    sides = survey.sides
    why = f"the shorter sides have {sides.smallest} to {sides.largest} pixels, {side} in the middle"
    if size == LARGE and side >= 2 * LARGE:
        why += "; more is for a GPU: --set size=128"
    return [Reason(setting="size", value=str(size), why=why)]


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
        Reason(setting=name, value=str(value), why=f"auto, {preset.reasons.get(name, 'by the pictures')}")
        for name, value in chosen.items()
        if name not in {"mirror", "width"}
    ]
