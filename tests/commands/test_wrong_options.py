"""A wrong value of an option is refused in words, whichever command it was given to."""

import pytest
import typer
from typer.testing import CliRunner

from ganymede.command import app

LIBRARY_WORDS = ("Input should", "unable to parse", "validation error", "pydantic")


def list_numbers() -> list[tuple[list[str], str]]:
    """Each option that takes a number, with the words of its command."""
    found = []

    def look(command, words: list[str]) -> None:
        for part in getattr(command, "commands", {}).values():
            look(part, [*words, part.name])
        numbers = [each for each in command.params if each.bare_type() in ("int", "float")]
        found.extend((words, max(each.opts, key=len)) for each in numbers if each.opts[0].startswith("-"))

    look(typer.main.get_command(app), [])
    return found


def test_a_wrong_number_is_by_no_command_refused_in_a_librarys_words():
    numbers = list_numbers()
    assert len(numbers) > 15
    for words, option in {words[-1]: (words, option) for words, option in numbers}.values():  # one of each
        refused = CliRunner().invoke(app, [*words, option, "x"])
        assert refused.exit_code == 2, (words, option)
        assert "'x' must be a" in refused.output, (words, option, refused.output)
        assert not any(said in refused.output for said in LIBRARY_WORDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["directions", "grey", "--count", "0"], "Invalid value for '--count': '0' must be at least 1."),
        (["bench", "--seconds", "4000"], "Invalid value for '--seconds': '4000' must be at most 3,600."),
        (["publish", "run", "--name", "A"], "'A' cannot be a model's name"),
    ],
)
def test_a_limit_is_named_and_our_own_words_stay(words, said):
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert said in " ".join(refused.output.split())
