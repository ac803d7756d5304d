"""New rows behind old ones, against pandas' concat."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.history import append_forecasts, extend, follow, follows, match_series, resume
from tsrnn.reading import read_panel

few = settings(max_examples=50, deadline=None)

DAYS = pd.date_range("2024-01-01", periods=40, freq="D", name="day")


def panel_frame(parts):
    """A panel of the days `first:last` of each series, whose values tell where they lie."""
    frames = {
        label: pd.DataFrame({"a": np.arange(first, last) + 100.0 * (ord(label) - 97)})
        .assign(b=lambda frame: -frame["a"])
        .set_axis(DAYS[first:last])
        for label, (first, last) in parts.items()
    }
    return pd.concat(frames, names=["id", "day"])


def read(data, like=None):
    return read_panel(data, grid=None if like is None else like.grid)


def assert_same(left, right):
    pd.testing.assert_frame_equal(left.sort_index(), right.sort_index(), check_freq=False)


def frame_of(panel):
    """The rows of a panel as pandas has them."""
    return panel.wrap(panel.values, panel.lengths, panel.starts)


@st.composite
def cuts(draw):
    """First, middle and last day of a few series, in any order."""
    labels = draw(st.permutations("abc"))[: draw(st.integers(1, 3))]
    cut = {}
    for label in labels:
        first = draw(st.integers(0, 9))
        middle = draw(st.integers(first + 3, first + 9))
        cut[label] = first, middle, draw(st.integers(middle + 1, middle + 9))
    return cut


@few
@given(cuts(), st.data())
def test_follow_is_concat(cut, data):
    old = panel_frame({label: (a, b) for label, (a, b, _) in cut.items()})
    shuffled = {label: cut[label] for label in data.draw(st.permutations(list(cut)))}
    new = panel_frame({label: (b, c) for label, (_, b, c) in shuffled.items()})
    history = read(old)
    panel, first = follow(history, read(new, history))
    whole = pd.concat([old, new])
    assert panel.ids.tolist() == list(shuffled)
    assert_same(frame_of(panel), whole)
    for s, label in enumerate(shuffled):
        assert first[s] == panel.offsets[s] + cut[label][1] - cut[label][0]


@few
@given(cuts(), st.data())
def test_extend_is_concat(cut, data):
    """Series without new rows stay, new ones come last, the others keep their places."""
    kept = data.draw(st.permutations(list(cut)))[: data.draw(st.integers(0, len(cut)))]
    old = panel_frame({label: (a, b) for label, (a, b, _) in cut.items()})
    new = panel_frame({"z": (3, 5), **{label: cut[label][1:] for label in kept}})
    history = read(old)
    longer = extend(history, read(new, history))
    assert longer.ids.tolist() == [*cut, "z"]
    assert_same(frame_of(longer), pd.concat([old, new]))


@few
@given(cuts(), st.integers(0, 12))
def test_rows_known_already_are_dropped(cut, overlap):
    old = panel_frame({label: (a, b) for label, (a, b, _) in cut.items()})
    starts = {label: max(b - overlap, a) for label, (a, b, _) in cut.items()}
    new = panel_frame({label: (starts[label], c) for label, (_, _, c) in cut.items()})
    history = read(old)
    panel, first = follow(history, read(new, history), drop_overlap=True)
    whole = pd.concat([old, new.drop(new.index.intersection(old.index))])
    assert_same(frame_of(panel), whole)
    ends = [b - a for a, b, _ in cut.values()]
    assert (first - panel.offsets[:-1]).tolist() == ends


@pytest.mark.parametrize(("first", "last"), [(0, 3), (2, 6), (7, 9)])
def test_rows_all_known_already(first, last):
    """Those before the rows kept as history too."""
    history = read(panel_frame({"a": (5, 9), "b": (5, 9)}))
    new = read(panel_frame({"a": (first, last), "b": (9, 11)}), history)
    panel, begin = follow(history, new, drop_overlap=True)
    assert (panel.offsets[1:] - begin).tolist() == [0, 2]
    assert panel.values[panel.offsets[1] :, 0].tolist() == [100.0 + t for t in range(5, 11)]


@few
@given(st.lists(st.integers(1, 5), min_size=2, max_size=5))
def test_arrays_follow_what_stands_before_them(lengths):
    values = np.arange(sum(lengths)) * 1.5
    parts = np.split(values, np.cumsum(lengths)[:-1])
    history = read(parts[0])
    for part in parts[1:]:
        history = extend(history, read(part, history))
    np.testing.assert_array_equal(history.values[:, 0], values)
    assert history.starts.tolist() == [0]


def test_covariates_behind_the_history_are_replaced():
    known = pd.DataFrame({"a": [1, 2, np.nan, np.nan], "x": [5, 6, 7, 8]}, DAYS[:4])
    history = read_panel(known, target="a")
    for start in (2, 3, 4):
        new = pd.DataFrame({"a": [9.0], "x": [0.0]}, DAYS[start : start + 1])
        panel, first = follow(history, read_panel(new, target="a", grid=history.grid))
        expected = pd.concat([known[:start], new])
        np.testing.assert_array_equal(panel.values, expected)
        assert first.tolist() == [start]


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ({"a": (9, 12)}, True),
        ({"a": (9, 12), "b": (7, 8)}, True),
        ({"a": (9, 12), "z": (0, 3)}, True),
        ({"z": (9, 12)}, False),
        ({"a": (8, 12)}, False),
        ({"a": (10, 12)}, False),
        ({"a": (9, 12), "b": (9, 12)}, False),
    ],
)
def test_what_follows(parts, answer):
    history = read(panel_frame({"a": (2, 9), "b": (0, 7)}))
    assert follows(history, read(panel_frame(parts), history)) is answer


@pytest.mark.parametrize(
    ("new", "rows"),
    [
        ((9, 12), (2, 12)),  # right behind
        ((6, 12), (2, 12)),  # over the end
        ((6, 9), (2, 9)),  # to the end
        ((6, 8), (6, 8)),  # not as far
        ((2, 12), (2, 12)),
        ((0, 12), (0, 12)),
        ((10, 12), (10, 12)),  # after a gap
        ((0, 1), (0, 1)),
    ],
)
def test_what_resumes(new, rows):
    """The others stand on their own, each series by itself; rows of the new are believed."""
    history = read(panel_frame({"b": (0, 7), "a": (2, 9)}))
    frame = panel_frame({"z": (0, 3), "a": new, "b": (7, 8)})
    frame.loc["a"] = frame.loc["a"].to_numpy() + 0.5
    panel, first = resume(history, read(frame, history))
    assert panel.ids.tolist() == ["z", "a", "b"]
    n_before = [0, new[0] - rows[0], 7]
    assert (first - panel.offsets[:-1]).tolist() == n_before
    before = panel_frame({"a": (rows[0], new[0]), "b": (0, 7)})
    assert_same(frame_of(panel), pd.concat([before, frame]))


def test_arrays_do_not_resume():
    history = read(np.arange(5.0))
    new = read(np.arange(3.0), history)
    assert resume(history, new)[0] is new


def test_arrays_do_not_say_that_they_follow():
    history = read(np.arange(5))
    assert not follows(history, read(np.arange(3), history))
    assert follows(history, read(pd.Series([1.0], pd.RangeIndex(5, 6)), history))


def test_series_are_matched_by_label():
    history = read(panel_frame({"b": (0, 3), "a": (0, 3)}))
    new = read(panel_frame({"a": (3, 5), "z": (0, 3), "b": (3, 5)}), history)
    assert match_series(history, new).tolist() == [1, -1, 0]


@pytest.mark.parametrize("old_type", [str, "category", object])
@pytest.mark.parametrize("new_type", [str, "category", object])
def test_labels_match_whatever_their_type(old_type, new_type):
    def typed(parts, dtype):
        return panel_frame(parts).reset_index().astype({"id": dtype}).set_index(["id", "day"])

    history = read(typed({"b": (0, 3), "a": (0, 3)}, old_type))
    longer = extend(history, read(typed({"a": (3, 5)}, new_type), history))
    assert longer.ids.tolist() == ["b", "a"]
    assert longer.lengths.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("old", "new", "was", "now"),
    [
        (panel_frame({"a": (0, 3)}), panel_frame({"a": (3, 5)}).loc["a"], "panel", "single series"),
        (panel_frame({"a": (0, 3)}).loc["a"], panel_frame({"a": (3, 5)}), "single series", "panel"),
    ],
)
def test_a_panel_is_no_single_series(old, new, was, now):
    history = read(old)
    with pytest.raises(ValueError, match=f"fit saw a .*{was}, but X is a .*{now}; give the cont"):
        follow(history, read(new, history))


@pytest.mark.parametrize(
    ("new", "remedy"),
    [
        ((11, 13), "give the rows right after that, or first"),
        ((8, 13), "give only the rows after that"),
    ],
)
def test_messages_say_where_training_ended(new, remedy):
    history = read(panel_frame({"a": (0, 9), "b": (0, 10)}))
    new = read(panel_frame({"b": (10, 12), "a": new}), history)
    with pytest.raises(ValueError) as error:
        follow(history, new)
    start = new.time_of(2)
    message = f"series 'a': X starts at {start}, but the training data ended at 2024-01-09; "
    assert str(error.value).startswith(message + remedy)


@few
@given(cuts(), st.integers(1, 4), st.integers(1, 6), st.data())
def test_forecasts_appended_are_concat(cut, n_steps, n_rows, data):
    frame = panel_frame({label: (a, c) for label, (a, _, c) in cut.items()})
    panel = read_panel(frame.assign(s=7.0), target="a", static_covariates="s")
    n = data.draw(st.integers(1, 5))
    cutoffs = np.array([data.draw(st.integers(0, len(panel.values) - 1)) for _ in range(n)])
    series = panel.series_of(cutoffs)
    forecasts = np.arange(n * n_steps).reshape(n, n_steps, 1) + 0.5
    longer, numbers, ends = append_forecasts(
        panel, series, cutoffs, forecasts, 3 * forecasts, n_rows
    )
    assert numbers.tolist() == list(range(n))
    assert longer.ids.tolist() == panel.ids[series].tolist()
    for i, (s, cutoff) in enumerate(zip(series, cutoffs, strict=True)):
        kept = panel.values[max(panel.offsets[s], cutoff + 1 - n_rows) : cutoff + 1]
        new = np.column_stack([forecasts[i], 3 * forecasts[i], np.full(n_steps, 7.0)])
        own = longer.values[longer.offsets[i] : longer.offsets[i + 1]]
        np.testing.assert_array_equal(own, np.concatenate([kept, new]))
        assert ends[i] == longer.offsets[i + 1] - 1
        step = panel.starts[s] + cutoff - panel.offsets[s]
        assert longer.starts[i] + len(kept) - 1 == step
