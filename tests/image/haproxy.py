"""Debian's HAProxy with the timeouts and health checks of the load balancer that `infra` describes."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from infra.constructs.load_balancer import (
    HEALTH_INTERVAL_S,
    HEALTH_PATH,
    HEALTH_TIMEOUT_S,
    IDLE_TIMEOUT_S,
    UNHEALTHY_COUNT,
)
from tests.image.conftest import find_program
from tests.patience import wait_until

PACKAGES = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")

CONFIGURATION = """
global
  stats socket {socket} level admin
defaults
  mode http
  retries 0
  timeout connect 10s
  timeout client {idle_s}s
  timeout http-keep-alive {idle_s}s
  timeout server {idle_s}s
frontend front
  bind 127.0.0.1:{port}
  option forwardfor
  default_backend tasks
backend tasks
  balance leastconn
  http-reuse always
  option httpchk GET {path}
  http-check expect status 200
  timeout check {timeout_s}s
  default-server check inter {interval_s}s fall {fall} rise 2 pool-purge-delay {idle_s}s
"""


class Proxy:
    """A running HAProxy; what it is told comes by its socket."""

    def __init__(self, url: str, control: Path) -> None:
        self.url = url
        self._control = control

    def tell(self, command: str) -> str:
        """What it says to a line on its socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._control))
            connection.sendall(f"{command}\n".encode())
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()

    def states(self) -> dict[str, str]:
        """Each target's name, and whether it is UP, DOWN, or on its way (`UP 1/2`)."""
        rows = [line.split(",") for line in self.tell("show stat").splitlines()]
        name, status = rows[0].index("svname"), rows[0].index("status")
        return {row[name]: row[status] for row in rows[1:] if row[0] == "tasks" and row[name] != "BACKEND"}


@contextmanager
def run_haproxy(folder: Path, targets: dict[str, str]) -> Iterator[Proxy]:
    """HAProxy before `targets`, names to addresses; a request that fails is tried nowhere else."""
    program, variables = find_program("haproxy", *PACKAGES)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    control, path = folder / "control", folder / "haproxy.cfg"
    written = CONFIGURATION.format(
        socket=control,
        port=port,
        idle_s=IDLE_TIMEOUT_S,
        path=HEALTH_PATH,
        interval_s=HEALTH_INTERVAL_S,
        timeout_s=HEALTH_TIMEOUT_S,
        fall=UNHEALTHY_COUNT,
    )
    servers = [f"  server {name} {urlsplit(url).netloc}" for name, url in targets.items()]
    path.write_text("\n".join((written.rstrip(), *servers, "")))
    process = subprocess.Popen([program, "-db", "-f", str(path)], env=variables)
    try:
        wait_until(lambda: control.exists() or process.poll() is not None)
        yield Proxy(f"http://127.0.0.1:{port}", control)
    finally:
        process.kill()
        process.wait()
