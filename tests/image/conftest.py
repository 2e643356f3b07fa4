"""Containers for the checks of the image, and Debian's programs beside them: started, and always removed."""

import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.conftest import REPOSITORY

IMAGE = "ganymede:latest"


def find_program(name: str, *packages: str) -> tuple[str, dict[str, str]]:
    """A program, and the variables that it needs: this machine's, else unpacked from Debian's `packages`."""
    if found := shutil.which(name):
        return found, {}
    root = REPOSITORY / ".cache" / packages[0]
    if not root.is_dir():
        half = root.with_name(f"{root.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-q", *packages], cwd=half, check=True)
        for package in half.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, half], check=True)
        half.rename(root)
    [program] = [path for path in root.glob(f"usr/*bin/{name}") if path.is_file()]
    libraries = ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-gnu"))
    return str(program), {"LD_LIBRARY_PATH": libraries}


def docker(*arguments: str, check: bool = True) -> str:
    """What `docker ARGUMENTS` prints; standard error as well where it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0 or not check, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return (done.stdout + ("" if done.returncode == 0 else done.stderr)).strip()


class Container:
    """A running container of the service."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url

    def inspect(self, template: str) -> str:
        """One value of `docker inspect`."""
        return docker("inspect", "--format", template, self.name)

    def wait_for(self, path: str, limit_s: float = 60) -> None:
        """Wait until `path` answers 200."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            try:
                if httpx.get(self.url + path, timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self.inspect("{{.State.Running}}") != "true":
                break
            time.sleep(0.1)
        raise AssertionError(f"{path} did not answer:\n{self.logs()}")

    def logs(self) -> str:
        """Everything that it wrote; the service logs to standard error."""
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr


@contextmanager
def run_container(
    *options: str, command: tuple[str, ...] = ("serve",), image: str = IMAGE
) -> Iterator[Container]:
    """Run the image with its port published on loopback."""
    name = f"ganymede-check-{uuid.uuid4().hex[:8]}"
    docker("run", "--detach", "--name", name, "--publish", "127.0.0.1::8080", *options, image, *command)
    try:
        port = docker("port", name, "8080").rpartition(":")[2]
        yield Container(name, f"http://127.0.0.1:{port}")
    finally:
        docker("rm", "--force", "--volumes", name, check=False)
