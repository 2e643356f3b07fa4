"""The files of walks that the page removes when it makes a new one."""

import os
import time
from pathlib import Path


def test_a_walk_that_goes_while_old_ones_are_removed_is_nobodys_trouble(tmp_path, monkeypatch):
    from service.ui.walk_tab import _remove_old_walks  # Gradio takes seconds to import

    gone, old, recent = (tmp_path / f"walk-{name}.mp4" for name in ("gone", "old", "recent"))
    for path in (old, recent):
        path.write_bytes(b"a walk")
    then = time.time() - 600
    os.utime(old, (then, then))
    monkeypatch.setattr(Path, "glob", lambda *_: iter([gone, old, recent]))
    _remove_old_walks(tmp_path)
    assert (old.exists(), recent.exists()) == (False, True)
