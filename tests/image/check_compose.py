"""The compose file, really up: a grid from a model that came through S3, and Prometheus watching."""

import io
import os
import subprocess
import time

import httpx
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.project.test_dashboard import expressions

PROJECT = "ganymede-check"
PORTS = {"GANYMEDE_HOST_PORT": "18080", "PROMETHEUS_HOST_PORT": "19090"}
URL, PROMETHEUS = "http://127.0.0.1:18080", "http://127.0.0.1:19090"


def compose(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", "compose", "--project-name", PROJECT, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **PORTS, "GANYMEDE_IMAGE": "ganymede:latest"},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr + _logs(arguments)
    return done.stdout


def _logs(arguments: tuple[str, ...]) -> str:
    return "" if "logs" in arguments else compose("logs", "--no-color", "--tail", "40")


@pytest.fixture(scope="module", autouse=True)
def composed():
    try:
        compose("up", "--wait", "--no-build")
        yield
    finally:
        compose("--profile", "monitoring", "down", "--volumes", "--timeout", "10")


def test_the_service_is_healthy_and_its_model_came_through_s3():
    answer = httpx.post(f"{URL}/generate", timeout=30)
    assert answer.status_code == 200
    assert Image.open(io.BytesIO(answer.content)).format == "PNG"
    assert "s3://models/ganymede" in compose("logs", "service")


def test_a_second_up_publishes_nothing_twice():
    compose("up", "--wait", "--no-build")
    assert httpx.get(f"{URL}/readyz").status_code == 200


def test_prometheus_has_an_answer_for_every_expression_of_the_dashboard():
    compose("--profile", "monitoring", "up", "--detach", "--no-build", "prometheus")
    unanswered, deadline = set(expressions()), time.monotonic() + 120
    while unanswered:
        assert time.monotonic() < deadline, unanswered
        httpx.post(f"{URL}/generate", timeout=30)  # rates need traffic
        unanswered = {expression for expression in unanswered if not ask_prometheus(expression)}
        time.sleep(1)


def ask_prometheus(expression):
    """The series that an expression gives now, Grafana's interval being a minute."""
    query = expression.replace("$__rate_interval", "1m")
    try:
        answer = httpx.get(f"{PROMETHEUS}/api/v1/query", params={"query": query}, timeout=30)
    except httpx.TransportError:
        return []
    assert answer.status_code in (200, 503), f"{query}: {answer.text}"
    return answer.json()["data"]["result"] if answer.status_code == 200 else []
