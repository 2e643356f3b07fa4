"""What a person writes for a class: its name goes before a number, a number in JSON is an index."""

import numpy as np
import pytest

from foundation.errors import InvalidField
from foundation.labels import weigh_label
from foundation.manifest import LabelInput

FOLDERS = LabelInput(classes=("0", "1", "10", "11", "2"))
NAMED = LabelInput(classes=("cat", "dog", "owl"))


@pytest.mark.parametrize(
    ("label", "classes", "index"),
    [
        ("2", FOLDERS, 4),
        ("10", FOLDERS, 2),
        ("4", FOLDERS, 4),  # no class is called that: the index
        (2, FOLDERS, 2),
        ("owl", NAMED, 2),
        ("2", NAMED, 2),
        ("02", NAMED, 2),
        (2, NAMED, 2),
    ],
)
def test_a_name_goes_before_an_index_and_a_number_is_an_index(label, classes, index):
    np.testing.assert_array_equal(
        weigh_label(label, classes, "label"), np.eye(len(classes.classes), dtype=np.float32)[index]
    )


@pytest.mark.parametrize("label", ["3", 3, -1, "-1", "9" * 5000, "٢", "2.0", ""])
def test_what_is_neither_is_refused(label):
    with pytest.raises(InvalidField):
        weigh_label(label, NAMED, "label")
