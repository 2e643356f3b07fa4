"""Whatever lies in a file of training data, it is read, or refused in words that name the file."""

import pytest

from tests.fuzz.attack import attack_target
from tests.fuzz.targets import DATA_NAMES, find_target


@pytest.mark.parametrize("name", DATA_NAMES)
def test_a_file_of_training_data_is_read_or_refused_in_words(name, tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path))
    target = find_target(name)
    assert "" in [target.attack(content) for content in target.seeds()]
    attack_target(target)
