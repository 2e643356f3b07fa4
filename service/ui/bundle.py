"""The page's modules as one script, so that a browser asks once for all of them, not for one after another.

The modules stay plain: this reads the forms of `import` and `export` that they use (ECMAScript 2015, 16.2)
and refuses others. Each becomes a function of its own, run after those that it imports: no names meet.
"""

import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*\n", re.MULTILINE | re.DOTALL)
_LEFT = re.compile(r"^(?:import|export)\b.*|\bimport\(.*", re.MULTILINE)


def bundle_modules(modules: Mapping[str, str], entry: str) -> str:
    """One script that does what the module `entry` does, of `modules` by their names; without their comments.

    Raises:
        ValueError: a module imports or exports in another form, or what is not there, or they form a ring.
    """
    written: dict[str, str] = {}
    _add(modules, entry, written, ())
    return "".join(written.values())


def _add(modules: Mapping[str, str], name: str, written: dict[str, str], on_the_way: tuple[str, ...]) -> None:
    if name in written:
        return
    if name in on_the_way:
        raise ValueError(f"{' imports '.join((*on_the_way, name))}: modules may not import each other.")
    if name not in modules:
        raise ValueError(
            f"{on_the_way[-1] if on_the_way else 'The page'} imports {name}, which is not there."
        )
    text = _COMMENT.sub("", modules[name])
    for _, imported in _IMPORT.findall(text):
        _add(modules, imported, written, (*on_the_way, name))
    written[name] = _wrap(name, text)


def _wrap(name: str, text: str) -> str:
    text = _IMPORT.sub(lambda found: f"const {{{_rename(found[1])}}} = {_variable(found[2])};\n", text)
    exports = [exported for _, exported in _EXPORT.findall(text)]
    text = _EXPORT.sub(r"\1 \2", text)
    if left := _LEFT.search(text):
        raise ValueError(f"{name}: {left[0][:80]!r} is no form of import or export that the page uses.")
    answer = f"return {{ {', '.join(exports)} }};\n"
    return f"const {_variable(name)} = (() => {{\n{text.strip()}\n{answer}}})();\n"


def _variable(name: str) -> str:
    return f"${name.removesuffix('.js').replace('-', '_')}"


def _rename(names: str) -> str:
    return re.sub(r"(\w+) as (\w+)", r"\1: \2", names)
