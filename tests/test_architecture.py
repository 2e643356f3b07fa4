"""Dependencies point one way; these tests read the imports of every file."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
FILES = sorted(
    path
    for name in ("service", "training", "infra", "ganymede")
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_imports_point_one_way(path):
    package = path.relative_to(REPOSITORY).parts[0]
    names = imports_of(path)
    if package == "service":
        forbidden = {
            name
            for name in names
            if belongs(name, "training", "tensorflow", "keras", "aws_cdk", "infra", "ganymede")
        }
    elif package == "training":
        ours = {name for name in names if belongs(name, "service", "infra", "ganymede")}
        forbidden = {name for name in ours if not belongs(name, "service.manifest", "service.store")}
    elif package == "infra":
        forbidden = {name for name in names if belongs(name, "service", "training", "ganymede")}
    else:
        forbidden = {name for name in names if belongs(name, "infra", "aws_cdk")}
    assert not forbidden


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_holds_one_idea(path):
    assert len(path.read_text().splitlines()) <= 220


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
