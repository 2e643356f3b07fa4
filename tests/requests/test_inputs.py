"""What a batch is drawn from: seeds that are not drawn yet and rows that are, in any order, cut anywhere."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foundation.manifest import ImageOutput, LabelInput, LatentInput, Outline
from service.requests.inputs import Inputs, draw_seeds, join_inputs
from service.requests.request_inputs import read_inputs
from service.requests.schemas import GenerateRequest

MODEL = Outline(
    "grey",
    "v1",
    LatentInput(size=4, mean=(1.0, 0.0, -1.0, 2.0)),
    ImageOutput(height=1, width=1, channels=1),
    LabelInput(classes=("a", "b", "c")),
)
REQUESTS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5).map(tuple),
        st.sampled_from([1.0, 0.5, 0.7]),
        st.booleans(),
        st.integers(0, 4),
        st.integers(1, 5),
    ),
    min_size=1,
    max_size=5,
)


@given(REQUESTS)
def test_rows_of_a_batch_are_those_of_each_request_alone(requests):
    parts, alone = [], []
    for seeds, truncation, drawn, start, rows in requests:
        start = min(start, len(seeds) - 1)
        stop = min(start + rows, len(seeds))
        whole = draw_seeds(MODEL, seeds, truncation)
        parts.append((whole if drawn else Inputs.of_seeds(seeds, truncation)).part(start, stop))
        assert len(parts[-1]) == stop - start
        assert parts[-1].drawn == drawn
        alone.append((whole.latents[start:stop], whole.labels[start:stop]))
    joined = join_inputs(MODEL, parts)
    np.testing.assert_array_equal(joined.latents, np.concatenate([latents for latents, _ in alone]))
    np.testing.assert_array_equal(joined.labels, np.concatenate([labels for _, labels in alone]))


def test_seeds_stay_seeds_where_they_say_everything_and_only_there():
    seeds = (3, 8)
    plain = read_inputs(MODEL, GenerateRequest(seeds=seeds, truncation=0.5), seeds)
    assert (plain.drawn, plain.seeds, len(plain)) == (False, seeds, 2)
    np.testing.assert_array_equal(plain.draw(MODEL).latents, draw_seeds(MODEL, seeds, 0.5).latents)
    labelled = read_inputs(MODEL, GenerateRequest(seeds=seeds, label="c"), seeds)
    assert (labelled.drawn, labelled.labels.argmax(axis=1).tolist()) == (True, [2, 2])
