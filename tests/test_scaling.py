"""Scaling of windows, by hand and by what it promises: to follow level and size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.scaling import REFERENCES, SCALES, divisor, location_of, reference_rows, scale_of

few = settings(max_examples=30, deadline=None)

REAL_SCALES = [scale for scale in SCALES if scale is not None]


@st.composite
def contexts(draw, missing=True):
    """Contexts of shape (n_windows, n_steps, n_targets), whole numbers, some of them missing."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 2)))
    value = st.integers(-1000, 1000).map(float)
    if missing:
        value |= st.just(np.nan)
    size = int(np.prod(shape))
    return np.reshape(draw(st.lists(value, min_size=size, max_size=size)), shape)


def columns(context):
    """Window, target and observed values of each column."""
    for window, target in np.ndindex(context.shape[0], context.shape[2]):
        values = context[window, :, target]
        yield window, target, values[~np.isnan(values)]


@few
@given(contexts())
def test_locations_by_hand(context):
    locations = {name: location_of(context, name) for name in REFERENCES}
    for window, target, seen in columns(context):
        mean = seen.mean() if len(seen) else 0
        last = seen[-1] if len(seen) else 0
        expected = {None: 0, "last": last, "seasons": last, "smoothing": last}
        expected |= {"mean": mean, "season": mean}
        for name, location in locations.items():
            assert location[window, target] == pytest.approx(expected[name], abs=1e-9)


@few
@given(contexts(), st.sampled_from(REFERENCES))
def test_scales_by_hand(context, reference):
    location = location_of(context, reference)
    scales = {name: scale_of(context, location, name) for name in SCALES}
    for window, target, seen in columns(context):
        distance = np.abs(seen - location[window, target])
        expected = {
            None: 1 if len(seen) else 0,
            "deviation": seen.std() if len(seen) else 0,
            "mean_absolute": distance.mean() if len(seen) else 0,
        }
        for name, scale in scales.items():
            assert scale[window, target] == pytest.approx(expected[name], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("a", [1e-9, 1e-3, 1.0, 1e6, 1e9])
@pytest.mark.parametrize("b", [0.0, -7.0, 1000.0])
@few
@given(context=contexts(), reference=st.sampled_from(REFERENCES[1:]))
def test_scaling_follows_level_and_size(context, reference, a, b):
    moved = a * (context + b)
    location, moved_location = location_of(context, reference), location_of(moved, reference)
    seen = ~np.isnan(context).all(axis=1)
    np.testing.assert_allclose(
        moved_location[seen], a * (location[seen] + b), rtol=1e-9, atol=1e-9 * a
    )
    for name in REAL_SCALES:
        scale, moved_scale = (
            scale_of(context, location, name),
            scale_of(moved, moved_location, name),
        )
        np.testing.assert_allclose(moved_scale, a * scale, rtol=1e-6, atol=1e-9 * a)
        np.testing.assert_array_equal(moved_scale == 0, scale == 0)


@pytest.mark.parametrize("level", [0.0, 5.0, -1e-9, 0.1, 1e12, -3e12 / 7])
@pytest.mark.parametrize("reference", REFERENCES[1:])
@pytest.mark.parametrize("scale", REAL_SCALES)
def test_constant_windows_have_scale_0(level, reference, scale):
    context = np.full((3, 11, 2), level)
    context[1, 4:9] = np.nan
    location = location_of(context, reference)
    assert not scale_of(context, location, scale).any()
    np.testing.assert_allclose(location, level, rtol=1e-12)


@pytest.mark.parametrize("reference", REFERENCES)
def test_nothing_observed(reference):
    context = np.full((2, 5, 1), np.nan)
    location = location_of(context, reference)
    assert not location.any()
    for scale in SCALES:
        assert not scale_of(context, location, scale).any()


@few
@given(contexts(missing=False), st.data())
def test_padding_changes_nothing(context, data):
    pad = np.full((len(context), data.draw(st.integers(1, 4)), context.shape[2]), np.nan)
    padded = np.concatenate([pad, context], axis=1)
    for reference in REFERENCES:
        location = location_of(context, reference)
        np.testing.assert_allclose(location_of(padded, reference), location)
        for name in SCALES:
            np.testing.assert_allclose(
                scale_of(padded, location, name), scale_of(context, location, name), atol=1e-12
            )


def test_scales_to_divide_by():
    """What did not move is read as 0, whatever its size."""
    assert divisor(np.array([0.0, 1e-300, 5.0])).tolist() == [np.inf, 1e-300, 5.0]


def reference_row_slowly(row, first, ahead, season_length):
    """The row a whole number of seasons before the one forecast, the last one it may see."""
    target = row + 1 + ahead
    while target > row:
        target -= season_length
    return target if row + 1 - season_length >= first else row


@few
@given(
    rows=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=5),
    horizon=st.integers(1, 9),
    season_length=st.integers(1, 8),
)
def test_reference_rows_by_loops(rows, horizon, season_length):
    last, first = np.sort(rows, axis=1)[:, ::-1].T
    ours = reference_rows(last, first, horizon, "season", season_length)
    expected = [
        [reference_row_slowly(row, begin, ahead, season_length) for ahead in range(horizon)]
        for row, begin in zip(last, first, strict=True)
    ]
    assert ours.tolist() == expected
    same = reference_rows(last, first, horizon, "last", season_length)
    assert same.tolist() == [[row] * horizon for row in last]
    assert (ours >= first[:, None]).all()


def test_reference_rows_of_any_shape():
    rows = np.arange(12).reshape(3, 4)
    first = np.zeros_like(rows)
    assert reference_rows(rows, first, 5, "season", 2).shape == (3, 4, 5)
    np.testing.assert_array_equal(
        reference_rows(rows, first, 5, "season", 2)[1],
        reference_rows(rows[1], first[1], 5, "season", 2),
    )


@pytest.mark.parametrize("reference", [None, "mean"])
def test_references_that_are_no_row(reference):
    assert reference_rows(np.arange(3), np.zeros(3), 2, reference, 1) is None
