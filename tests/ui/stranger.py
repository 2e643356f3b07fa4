"""Somebody who talks to the page's server without the page."""

import json
import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx

from tests.patience import PATIENCE_S

SECRET = b"the secret of this machine"
"""What no answer may hold: it is in the server's environment, and in files beside its own."""

TOLD = ("process_completed", "unexpected_error")


class Stranger:
    """Joins events by their numbers, under a session's name, and reads what comes of them."""

    def __init__(self, url: str, session: str = "stranger", **options) -> None:
        self.url = url
        self.client = httpx.Client(base_url=f"{url}/ui", timeout=PATIENCE_S, **options)
        self.session = session
        answer = self.client.get("/")
        assert answer.status_code == 200, answer.text
        written = re.search(r"window\.gradio_config = (\{.*?\});</script>", answer.text, re.DOTALL)
        config = json.loads(written[1])
        self.blocks = {block["id"]: block for block in config["components"]}
        self.events = {event["id"]: event for event in config["dependencies"]}

    def __enter__(self) -> "Stranger":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def kinds(self, event: int) -> list[str]:
        """The kinds of the inputs of an event, such as `slider`."""
        return [self.blocks[block]["type"] for block in self.events[event]["inputs"]]

    def usual(self, event: int) -> list:
        """What a page that was just opened would send."""
        return [self.blocks[block]["props"].get("value") for block in self.events[event]["inputs"]]

    def find_event(self, output: str) -> int:
        """The number of the first queued event that fills the element of that id."""
        return next(
            number
            for number, event in self.events.items()
            if event["queue"]
            and any(self.blocks[block]["props"].get("elem_id") == output for block in event["outputs"])
        )

    def post(self, event: int, data: object, **members: object) -> httpx.Response:
        """The answer to an event that is sent where the page would send it."""
        place = "queue/join" if self.events[event]["queue"] else "run/predict"
        body = {"data": data, "fn_index": event, "session_hash": self.session, **members}
        return self.client.post(f"/gradio_api/{place}", content=json.dumps(body))

    def finish(self) -> list[dict]:
        """How the events that were joined ended."""
        place = f"/gradio_api/queue/data?session_hash={self.session}"
        with self.client.stream("GET", place) as stream:
            assert stream.status_code == 200
            messages = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
        return [message for message in messages if message["msg"] in TOLD]

    def run(self, event: int, data: object) -> dict:
        """How one event ended, which is let in."""
        answer = self.post(event, data)
        assert answer.status_code == 200, (event, data, answer.text)
        if not self.events[event]["queue"]:
            return {"success": True, "output": answer.json()}
        return self.finish()[-1]


def ask(url: str, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    """The status of an answer and its body; the path goes out as it is."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {"Content-Length": "0", **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
