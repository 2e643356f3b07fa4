"""A name that a client made up stands in quotes in the answer: what is no letter of it can be told."""


def test_a_name_that_is_none_is_quoted(client):
    for path in (
        "/models/%0A/versions/v1",
        "/models/%0A/versions/v1/samples.png",
        "/v2/models/%0A/versions/v1",
    ):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "\n" not in answer.json()["detail"]
