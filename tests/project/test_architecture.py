"""Dependencies point one way; these tests read the imports of every file."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
FILES = sorted(
    path
    for name in ("foundation", "service", "training", "infra", "ganymede")
    for path in (REPOSITORY / name).rglob("*.py")
)


def imports_of(path: Path) -> set[str]:
    """Dotted names of the modules that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def belongs(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


FLOORS = {
    "foundation": [["foundation"]],
    "service": [
        ["service.settings", "service.metrics"],
        ["service.encoding"],
        ["service.requests"],
        ["service.engine"],
        ["service.releases"],
        ["service.http"],
        ["service.access"],
        ["service.endpoints"],
        ["service.protocols", "service.ui", "service.server"],
        ["service.application"],
    ],
    "training": [
        ["training.errors", "training.shape", "training.activity"],
        ["training.config"],
        ["training.data", "training.networks", "training.metrics"],
        ["training.gan"],
        ["training.preset"],
        ["training.chollet", "training.dcgan", "training.modern"],
        ["training.presets"],
        ["training.run", "training.grid", "training.reverse"],
        ["training.export"],
        ["training.evaluation"],
        ["training.encoder", "training.enlarger"],
        ["training.report"],
        ["training.launch"],
        ["training.watch"],
        ["training.recorder"],
        ["training.train"],
        ["training.plan"],
    ],
    "ganymede": [
        ["ganymede.stopping", "ganymede.refusals"],
        ["ganymede.arguments", "ganymede.wrong_options"],
        [
            *("ganymede.extras", "ganymede.options", "ganymede.opening"),
            *("ganymede.load", "ganymede.mounted_models", "ganymede.tensorflow_loading"),
        ],
        ["ganymede.api_keys"],
        ["ganymede.imports", "ganymede.bulk"],
        ["ganymede.library"],
        ["ganymede.deployment"],
        ["ganymede.commands"],
        ["ganymede.command", "ganymede.sagemaker", "ganymede.errors"],
        ["ganymede.container", "ganymede.__main__"],
    ],
    "infra": [
        ["infra.instances"],
        ["infra.configuration"],
        ["infra.constructs"],
        ["infra.stacks"],
        ["infra.app"],
    ],
}
"""The rooms of each package, the lowest floor first: a room imports those below it, and none beside it."""

ABROAD = {
    "foundation": (),
    "service": ("foundation",),
    "training": ("foundation",),
    "infra": (),
    "ganymede": ("foundation", "service", "training"),
}
"""What each package may import of the others."""

HEAVY = {
    "foundation": ("tensorflow", "keras", "aws_cdk", "fastapi", "starlette", "gradio"),
    "service": ("tensorflow", "keras", "aws_cdk", "gradio"),
    "training": ("aws_cdk", "fastapi", "starlette", "gradio"),
    "infra": ("tensorflow", "keras", "fastapi", "onnxruntime"),
    "ganymede": ("aws_cdk",),
}


def name_module(path: Path) -> str:
    """The dotted name of a file's module."""
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


def find_room(name: str, floors: list[list[str]]) -> tuple[int, str] | None:
    """The floor and the room of a module or of a name in one; None for what is in none."""
    return next(
        ((floor, room) for floor, rooms in enumerate(floors) for room in rooms if belongs(name, room)),
        None,
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_packages_import_what_lies_below_them(path):
    package = path.relative_to(REPOSITORY).parts[0]
    names = imports_of(path)
    others = set(ABROAD) - {package, *ABROAD[package]}
    assert not {name for name in names if belongs(name, *others, *HEAVY[package])}


@pytest.mark.parametrize(
    "path", [path for path in FILES if name_module(path) not in FLOORS], ids=lambda path: name_module(path)
)
def test_every_module_has_a_room_that_imports_only_the_rooms_below(path):
    package = path.relative_to(REPOSITORY).parts[0]
    if package not in FLOORS:
        return
    floors = FLOORS[package]
    here = find_room(name_module(path), floors)
    assert here, f"{name_module(path)} is in no room"
    found = {name: find_room(name, floors) for name in imports_of(path) if belongs(name, package)}
    upwards = [name for name, there in found.items() if there and there != here and there[0] >= here[0]]
    assert not upwards


PRESETS = ("training.chollet", "training.dcgan", "training.modern")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_only_the_registry_imports_a_preset(path):
    here = name_module(path)
    if here != "training.presets":
        strange = [preset for preset in PRESETS if not belongs(here, preset)]
        assert not {name for name in imports_of(path) if belongs(name, *strange)}


def test_the_presets_are_found_without_tensorflow():
    """A wrong option of the command line is refused before it is loaded, and a report needs none."""
    loaded = "import sys, training.presets; print({'tensorflow', 'keras'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("room", [room for floors in FLOORS.values() for floor in floors for room in floor])
def test_every_room_says_what_lives_there_and_what_it_may_import(room):
    folder = REPOSITORY / room.replace(".", "/")
    if folder.is_dir():
        text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
        assert len(re.findall(r"\.(?:\s|$)", text)) >= 2, text
        assert "import" in text


def test_lock_files_hold_hashes_and_no_address():
    locks = sorted((REPOSITORY / "requirements").glob("*.txt"))
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        for line in text.splitlines():
            assert line.startswith(("    --hash=sha256:", "#")) or line.rstrip().endswith("\\"), (
                lock.name,
                line,
            )


def test_the_service_lock_holds_no_training_package():
    lock = (REPOSITORY / "requirements" / "service.txt").read_text()
    assert "tensorflow" not in lock
    assert "\nonnxruntime==" in lock
    assert "onnxruntime-gpu" not in lock


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_onnx_runtime_comes_in_by_the_door_that_silences_it(path):
    """It reports to its maker unless a variable is set before it is loaded."""
    if path.name != "onnx_runtime.py":
        assert not belongs_any(imports_of(path), "onnxruntime")


def belongs_any(names, package):
    return any(belongs(name, package) for name in names)


def methods_of(kind: type) -> set[str]:
    return {name for name, value in vars(kind).items() if inspect.isfunction(value)}


def test_no_private_method_of_a_library_is_overridden():
    paths = [path for path in FILES if path.relative_to(REPOSITORY).parts[0] in ("foundation", "service")]
    modules = [importlib.import_module(name_module(path)) for path in paths]
    classes = [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
    ]
    assert len(classes) > 100
    for kind in classes:
        own = {name for name in methods_of(kind) if name.startswith("_") and not name.endswith("__")}
        for above in kind.__mro__[1:]:
            if above.__module__.partition(".")[0] not in ABROAD:
                assert not own & methods_of(above), f"{kind.__module__}.{kind.__name__} and {above}"


def test_nothing_sleeps_on_the_event_loop():
    """The one `time.sleep` of the service is in the thread that watches the end."""
    sleepers = {
        name_module(path)
        for path in FILES
        if path.relative_to(REPOSITORY).parts[0] == "service"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep")
    }
    assert sleepers == {"service.server.ending"}
