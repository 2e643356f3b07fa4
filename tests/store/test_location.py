"""What a person may write where a model store is meant."""

from pathlib import Path

import pytest

from foundation.errors import StoreError
from foundation.store import FolderStore, open_store
from tests.tiny_models import TinyModel, publish_tiny_model


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home folder; the working directory is another."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STORE", "stores")
    monkeypatch.delenv("NOTHING", raising=False)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("~/store", "{home}/store"),
        ("~", "{home}"),
        ("$HOME/store", "{home}/store"),
        ("${HOME}/$STORE/", "{home}/stores"),
        ("file://{home}/my%20store", "{home}/my store"),
        ("file://localhost{home}/store/", "{home}/store"),
        ("FILE://{home}/store", "{home}/store"),
        ("{home}/store//", "{home}/store"),
        (" {home}/store\n", "{home}/store"),
        ("models/", "models"),
        ("./a~b", "a~b"),
    ],
)
def test_a_folder_is_found_as_a_shell_would_find_it(home: Path, text: str, folder: str) -> None:
    store = open_store(text.replace("{home}", str(home)))
    assert isinstance(store, FolderStore)
    assert str(store.root) == folder.replace("{home}", str(home))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("~nobody-of-that-name/store", "no user of that name"),
        ("$NOTHING/store", "a variable that is not set"),
        ("${STORE}/$NOTHING", "a variable that is not set"),
        ("file://srv/models", "write file:///srv/models"),
        ("s3:/bucket/models", "write s3://bucket/prefix"),
        ("C:\\models", "a path of Windows"),
        ("\\\\server\\models", "a path of Windows"),
        ("", "has no name"),
        ("gs://bucket/models", "not gs://"),
    ],
)
def test_what_can_only_be_a_mistake_is_refused_and_makes_no_folder(
    home: Path, text: str, sentence: str
) -> None:
    with pytest.raises(StoreError, match=sentence):
        open_store(text)
    assert list(Path.cwd().iterdir()) == []


def test_a_folder_that_is_really_called_so_is_taken_as_it_is(home: Path) -> None:
    Path("$NOTHING").mkdir()
    Path("~").mkdir()
    assert str(open_store("$NOTHING").location) == "$NOTHING"
    assert str(open_store("~").location) == "~"


def test_every_command_finds_a_store_in_the_home_folder(home: Path, call_ganymede) -> None:
    publish_tiny_model(home / "store", TinyModel())
    listed = call_ganymede("models", "--models=~/store", HOME=str(home))
    assert "grey" in listed.stdout
    listed = call_ganymede("models", HOME=str(home), GANYMEDE_MODELS="~/store")
    assert "grey" in listed.stdout
