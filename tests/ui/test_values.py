"""What a stranger sends with an event ends in a sentence: never in a trace, nor in a queue that stands."""

import json

import pytest

LONG = "x" * 401
WRONG = {
    "slider": (None, "1", [1], True, {}, 1e308, -1e308, 2**70, -(2**70), [[]]),
    "number": ("1", [1], True, {}, 1e308, -1e308, 2**70, -1),
    "checkbox": (None, 0, 1, "true", [True], {}),
    "textbox": (1, ["1"], {}, True, LONG),
    "dropdown": (1, ["fashion"], {}, True, LONG),
    "radio": (1, ["slerp"], {}, True, LONG),
    "json": (None, 1, "x", {}, [1], [[]], [{}], ["x"] * 65, [LONG]),
}
STRANGE = {
    "textbox": (None, "", "\x00", "9" * 400, "1, 99999999999999999999", "٣, ٤", "-1, 2", "💣", "1,2" * 100),
    "dropdown": (None, "", "\x00", "no-such", "../../etc", "grey@v99", "colour", "@", "circle", "999", "💣"),
    "radio": (None, "", "no-such"),
    "json": ([], ["no-such"] * 6, ["\x00"]),
    "slider": (0.5, 1, 11.5),
    "number": (None, 0.5, 4294967287),
}


def test_a_value_that_the_page_cannot_send_is_refused_and_the_field_is_named(stranger):
    for number, event in stranger.events.items():
        usual = stranger.usual(number)
        for index, kind in enumerate(stranger.kinds(number)):
            for value in WRONG[kind]:
                answer = stranger.post(number, [*usual[:index], value, *usual[index + 1 :]])
                assert answer.status_code == 400, (number, kind, value, answer.text)
                assert answer.json()["code"] == "invalid-field"
                label = stranger.blocks[event["inputs"][index]]["props"].get("label")
                assert not label or label in answer.json()["detail"]


def test_a_value_that_means_nothing_ends_in_a_sentence_and_the_queue_goes_on(stranger, open_page):
    alike = {tuple(event["inputs"]): number for number, event in stranger.events.items()}
    for number in alike.values():
        for index, kind in enumerate(stranger.kinds(number)):
            for value in STRANGE.get(kind, ()):
                data = stranger.usual(number)
                data[index] = value
                answer = stranger.post(number, data)
                if kind in ("slider", "number") and answer.status_code == 400:
                    continue  # it is no value of this one's
                assert answer.status_code == 200, (number, kind, value, answer.text)
                if stranger.events[number]["queue"]:
                    end = stranger.finish()[-1]
                    assert end["success"] or end["output"]["title"] != "Internal error", (number, value, end)
    pictures = stranger.find_event("pictures")
    assert stranger.run(pictures, stranger.usual(pictures))["success"]
    assert "Traceback" not in open_page.log.read_text()


BODIES = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"data": 1, "fn_index": 0, "session_hash": "a"}',
    b'{"data": [], "fn_index": "0", "session_hash": "a"}',
    b'{"data": [], "fn_index": 0}',
    b'{"data": [], "fn_index": 0, "session_hash": ""}',
    b'{"data": [], "fn_index": 0, "session_hash": "../a"}',
    b'{"data": [], "fn_index": 0, "session_hash": ["a"]}',
    b'{"data": [], "fn_index": 99, "session_hash": "a"}',
    b'{"data": [], "fn_index": -1, "session_hash": "a"}',
    b'{"data": [], "fn_index": 1e400, "session_hash": "a"}',
    b'{"data": [], "api_name": "generate", "session_hash": "a"}',
    b'{"data": [1' + b"0" * 400 + b'], "fn_index": 0, "session_hash": "a"}',
    b'{"data": [NaN], "fn_index": 0, "session_hash": "a"}',
    b'{"data": ["\\ud800"], "fn_index": 0, "session_hash": "a"}',
    b'{"data": [' + b"0," * 70 + b'0], "fn_index": 0, "session_hash": "a"}',
    b'{"data": ' + b"[" * 30_000 + b"]" * 30_000 + b', "fn_index": 0, "session_hash": "a"}',
    b'{"data": [], "fn_index": 0, "session_hash": "' + b"a" * 65 + b'"}',
    b"\xff\xfe",
)


@pytest.mark.parametrize("endpoint", ["queue/join", "run/predict"])
def test_a_body_that_is_no_event_is_refused_in_words(stranger, endpoint):
    for body in BODIES:
        answer = stranger.client.post(f"/gradio_api/{endpoint}", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed"), body[:80]


@pytest.mark.parametrize("endpoint", ["queue/join", "run/predict"])
def test_a_body_of_megabytes_is_refused_before_it_is_read(stranger, endpoint):
    body = json.dumps({"data": ["x" * 3_000_000], "fn_index": 0, "session_hash": "a"}).encode()
    for content in (body, iter([body[:100_000], body[100_000:]])):  # with its length, and in chunks
        answer = stranger.client.post(f"/gradio_api/{endpoint}", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_an_event_for_another_number_of_values_is_refused(stranger):
    for number in stranger.events:
        usual = stranger.usual(number)
        for data in ([*usual, None], usual[:-1] if usual else [0], usual * 2 or [0, 0]):
            assert stranger.post(number, data).status_code == 400
