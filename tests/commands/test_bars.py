"""What the commands show of what they are at, on a terminal and in its place."""

import io

import pytest
from rich.console import Console

from ganymede.commands import bars


@pytest.mark.parametrize("terminal", [True, False])
def test_steps_are_bars_on_a_terminal_and_what_was_not_counted_goes_elsewhere_lines(monkeypatch, terminal):
    output = io.StringIO()
    monkeypatch.setattr(
        bars, "Console", lambda **_: Console(file=output, force_terminal=terminal, force_interactive=terminal)
    )
    with bars.tell_steps("Evaluating [b]") as (tell, say):
        tell("reading", 0, 0)
        tell("drawing [b]", 0, 1000)
        tell("drawing [b]", 1000, 1000)
        say("beside it: [b]")
    said = output.getvalue()
    assert "beside it: [b]\n" in said
    if terminal:
        last = said[said.rindex("beside it") :]
        assert "1000/1000" in last
        assert "drawing [b]" in last
        assert "reading" not in last
    else:
        assert said.startswith("Evaluating [b] …\n")
