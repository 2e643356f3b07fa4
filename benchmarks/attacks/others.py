"""The clients beside an attack: two at a steady pace, from another address, and how long they wait."""

import itertools
import threading
import time
from dataclasses import dataclass

import httpx

ADDRESS = "127.0.0.2"
"""The attackers come from 127.0.0.1; what is bounded is shared by address."""
PACE_S = 0.02
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Waited:
    """How long the clients of a phase waited for their answers, in seconds, and how many had none."""

    answers_s: tuple[float, ...]
    failed: int

    @property
    def p99_s(self) -> float:
        """As long as 99 in 100 waited at most; 0 where nobody was answered."""
        ordered = sorted(self.answers_s)
        return ordered[min(len(ordered) - 1, 99 * len(ordered) // 100)] if ordered else 0.0


def ask_for(url: str, seconds: float) -> Waited:
    """Ask for pictures and for health at a pace, for so many seconds."""
    answers_s: list[float] = []
    failures: list[str] = []
    end = time.monotonic() + seconds
    numbers = itertools.count()

    def ask(path: str) -> None:
        transport = httpx.HTTPTransport(local_address=ADDRESS)
        with httpx.Client(base_url=url, transport=transport, timeout=TIMEOUT_S) as client:
            while time.monotonic() < end:
                began = time.perf_counter()
                try:
                    if path == "/livez":
                        status = client.get(path).status_code
                    else:
                        status = client.post(path, json={"seed": next(numbers)}).status_code
                except httpx.HTTPError as error:
                    failures.append(type(error).__name__)
                    continue
                took_s = time.perf_counter() - began
                if status == httpx.codes.OK:
                    answers_s.append(took_s)
                else:
                    failures.append(str(status))
                time.sleep(max(0.0, PACE_S - took_s))

    threads = [threading.Thread(target=ask, args=(path,)) for path in ("/generate", "/livez")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Waited(tuple(answers_s), len(failures))
