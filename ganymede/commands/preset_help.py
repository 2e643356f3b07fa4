"""`ganymede train --help`: the presets, and what `--set` may set of each."""

from typing import Any

from typer.core import TyperCommand


class PresetHelp(TyperCommand):
    """A command whose help ends with the presets and their settings; they are read when it is asked for."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the presets, and each one's settings with what they are unless they are set."""
        super().format_epilog(ctx, formatter)
        try:
            from training.config import Configuration
            from training.presets import PRESETS
        except ModuleNotFoundError:
            return
        shared = frozenset(Configuration.model_fields) - {"preset", "features"}
        everywhere = {name: {_write(preset.defaults, name) for preset in PRESETS.values()} for name in shared}
        alike = {name for name, values in everywhere.items() if len(values) == 1}
        first = next(iter(PRESETS.values())).defaults
        with formatter.section("Presets"):
            formatter.write_dl([(name, _first_sentence(preset)) for name, preset in PRESETS.items()])
        with formatter.section("Settings of every preset, --set NAME=VALUE"):
            formatter.write_text(_list(first, alike))
        for name, preset in PRESETS.items():
            own = {*type(preset.defaults).model_fields} - alike - {"preset", "features"}
            with formatter.section(f"Settings of {name}"):
                formatter.write_text(_list(preset.defaults, own))


def _list(defaults: Any, names: set[str]) -> str:
    ordered = [name for name in type(defaults).model_fields if name in names]
    return "  ".join(f"{name}={_write(defaults, name)}" for name in ordered)


def _write(defaults: Any, name: str) -> str:
    value = getattr(defaults, name)
    if isinstance(value, float):
        return f"{value:g}"
    return "''" if value == "" else str(value)


def _first_sentence(preset: Any) -> str:
    text = " ".join((type(preset.defaults).__doc__ or "").split())
    return text.partition(". ")[0].rstrip(".") + "."
