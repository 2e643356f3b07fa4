"""How many pictures a second are found in latent space: `python -m benchmarks.project`, several clients."""

import argparse
import io
import itertools
import sys
import threading
import time
import zipfile
from pathlib import Path

import httpx

from benchmarks.servers import Running, start_ganymede

MODELS = Path(__file__).parent.parent / "models"
PICTURES = 64
TIMEOUT_S = 120.0


def draw_pictures(url: str, model: str) -> list[bytes]:
    """PNGs of the model's own: each costs what a photo of its size costs."""
    answer = httpx.post(
        f"{url}/generate",
        json={"model": model, "seeds": list(range(PICTURES)), "format": "zip"},
        timeout=TIMEOUT_S,
    )
    answer.raise_for_status()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith(".png")]


def measure(running: Running, query: str, pictures: list[bytes], *, clients: int, seconds: float) -> str:
    """A line on so many clients who each send a picture after the other."""
    numbers, found, taken_s = itertools.count(), itertools.count(), list[float]()
    end_s = time.monotonic() + seconds
    began_s, began_cpu_s = time.monotonic(), running.cpu_s

    def ask() -> None:
        with httpx.Client(base_url=running.url, timeout=TIMEOUT_S) as client:
            while (asked_s := time.monotonic()) < end_s:
                content = pictures[next(numbers) % len(pictures)]
                client.post(f"/project?{query}", content=content).raise_for_status()
                taken_s.append(time.monotonic() - asked_s)
                next(found)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count, passed_s, cpu_s = next(found), time.monotonic() - began_s, running.cpu_s - began_cpu_s
    half_ms = 1000 * sorted(taken_s)[len(taken_s) // 2]
    return (
        f"{clients:3d} clients: {count / passed_s:6.1f} a second, {count / cpu_s:6.1f} a CPU-second of the "
        f"service's, half within {half_ms:.0f} ms"
    )


def main() -> None:
    """Measure the service of this tree, with as many threads as it chooses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="fashion@v3", help="NAME@VERSION; it needs an encoder")
    parser.add_argument("--models", type=Path, default=MODELS, help="the store")
    parser.add_argument("--steps", type=int, help="as many as the release says, unless given")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each line")
    given = parser.parse_args()
    query = f"model={given.model}" + ("" if given.steps is None else f"&steps={given.steps}")
    with start_ganymede(given.models, given.model) as running:
        pictures = draw_pictures(running.url, given.model)
        first = httpx.post(f"{running.url}/project?{query}", content=pictures[0], timeout=TIMEOUT_S)
        first.raise_for_status()
        sys.stdout.write(f"{given.model}, {first.json()['steps']} steps, first in {first.elapsed}\n")
        for clients in given.clients:
            line = measure(running, query, pictures, clients=clients, seconds=given.seconds)
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
