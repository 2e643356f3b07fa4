"""Installing the browser on a machine that is busy with packages already, with a stand-in for apt-get."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

SCRIPT = Path(__file__).with_name("install-chromium")
LOCKED = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)"
BUSY = "E: Failed to fetch http://mirror.invalid/dists/InRelease  File has unexpected size"
APT = """#!/bin/sh
echo "$*" >> "$CALLS"
sed -n "$(wc -l < "$CALLS"){/./p}" "$ANSWERS" > "$CALLS.now"
[ -s "$CALLS.now" ] || exit 0
cat "$CALLS.now" >&2
exit 100
"""


@pytest.fixture
def install(tmp_path):
    """Runs the script against an apt-get that fails with each of some sentences in turn, then works."""
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "apt-get").write_text(APT)
    (commands / "id").write_text("#!/bin/sh\necho 0\n")
    for command in commands.iterdir():
        command.chmod(0o755)
    for name in ("sh", "cat", "sed", "wc", "grep", "date", "sleep", "mktemp", "rm"):
        found = next(path for path in (Path("/bin") / name, Path("/usr/bin") / name) if path.exists())
        (commands / name).symlink_to(found)

    def run(*answers: str, lock_s: int = 600) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        calls = tmp_path / "calls"
        calls.write_text("")
        (tmp_path / "answers").write_text("".join(f"{answer}\n" for answer in answers))
        variables = {"PATH": str(commands), "CALLS": str(calls), "ANSWERS": str(tmp_path / "answers")}
        variables |= {"APT_PAUSE_S": "0", "APT_LOCK_S": str(lock_s), "TMPDIR": str(tmp_path)}
        done = subprocess.run(
            [str(commands / "sh"), str(SCRIPT)],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return done, calls.read_text().splitlines()

    return run


def test_it_updates_and_installs_and_waits_for_dpkgs_lock(install):
    done, calls = install()
    assert done.returncode == 0, done.stderr
    assert [call.split()[-1] for call in calls] == ["update", "chromium"]
    assert all("DPkg::Lock::Timeout=600" in call for call in calls)


def test_a_lock_that_another_apt_holds_is_waited_for(install):
    done, calls = install(*[LOCKED] * 9, "", *[LOCKED] * 4)
    assert done.returncode == 0, done.stderr
    assert [call.split()[-1] for call in calls] == ["update"] * 10 + ["chromium"] * 5


def test_a_lock_that_is_never_let_go_ends_in_a_sentence(install):
    done, _ = install(LOCKED, lock_s=0)
    assert done.returncode == 1
    assert "another apt or dpkg held its lock for 0 s" in done.stderr
    assert "held by process 1" in done.stderr


def test_a_busy_mirror_is_asked_three_times_and_then_named(install):
    done, calls = install(BUSY, BUSY)
    assert done.returncode == 0, done.stderr
    done, calls = install(BUSY, BUSY, BUSY)
    assert (done.returncode, len(calls)) == (1, 3)
    assert "mirror.invalid" in done.stderr
    assert "Chromium could not be installed, apt-get update failed" in done.stderr
