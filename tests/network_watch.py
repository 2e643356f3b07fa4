"""Whom processes ask for: a library that is preloaded into them writes every address and name down."""

import subprocess
from pathlib import Path

from tests.patience import PATIENCE_S

SOURCE = Path(__file__).with_suffix(".c")
SWITCHES = ("ORT_DISABLE_TELEMETRY", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "DO_NOT_TRACK")
LOOPBACK = ("127.", "::1", "::ffff:127.", "localhost", "-", "0.0.0.0", "?")  # noqa: S104 - compared, not bound


class NetworkWatch:
    """Variables for a process that is to be watched, and what it and its children asked for."""

    def __init__(self, folder: Path) -> None:
        """Build the library, which needs a C compiler as building Python's packages does."""
        library = folder / "network_watch.so"
        build = ["cc", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(build, check=True, timeout=PATIENCE_S)
        self.home = folder / "home"
        self.home.mkdir()
        self._log = folder / "network.log"
        self.variables = {
            "LD_PRELOAD": str(library),
            "NETWORK_WATCH_LOG": str(self._log),
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            **dict.fromkeys(SWITCHES, ""),  # what is off must be off by itself
        }

    def calls(self) -> list[str]:
        """What was asked for, such as `connect 192.0.2.1 80`, at home and away."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def calls_away(self) -> list[str]:
        """What was asked for beyond this machine."""
        return [line for line in self.calls() if not line.split(" ")[1].startswith(LOOPBACK)]

    def reports(self) -> list[str]:
        """Files that libraries made in the home folder to report from later."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if _is_report(path))


def _is_report(path: Path) -> bool:
    return any(word in str(path).lower() for word in ("microsoft", "deviceid", "telemetry", "analytics"))
