"""What Schemathesis checks of every answer beside its own checks (it loads this file by itself)."""

import schemathesis

PROBLEM = "application/problem+json"


@schemathesis.check
def the_status_is_described(ctx, response, case):
    """Of the description's `default` no error here makes use: each operation names its own."""
    described = case.operation.definition.raw["responses"]
    assert response.status_code == 405 or str(response.status_code) in described, (
        f"{response.status_code} is not described for {case.operation.label}"
    )


@schemathesis.check
def the_request_can_be_found_in_the_log(ctx, response, case):
    """Every answer carries the id, as do the errors that no route answered."""
    assert response.headers.get("x-request-id"), "the answer carries no X-Request-Id"


@schemathesis.check
def an_error_is_a_problem_document(ctx, response, case):
    """An error says what it is, what to do, and the status that the client sees."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    media_type = "application/json" if case.path.startswith("/v2") else PROBLEM
    assert response.headers.get("content-type") == [media_type], response.headers
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["code"]
