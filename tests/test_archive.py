"""Files that were damaged, made up or half written: an error that says so, or what was saved."""

import hashlib
import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
import warnings
import zipfile

import numpy as np
import pytest

import tsrnn
from tsrnn import ConformalForecaster, LSTMForecaster, SeasonalNaive, archive

N_DAMAGED = 2000
# The network's file is fuzzed less: it is larger.
EVERY_NTH_OF_A_NETWORK = 5


def members_of(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def written(path, members, *, mend=True, extra=(), **manifest):
    """Write members to a file; `mend` makes the checksums those of what they hold now."""
    about = json.loads(members["manifest.json"]) | manifest
    others = {name: content for name, content in members.items() if name != "manifest.json"}
    if mend:
        about["members"] = {
            name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in others.items()
        }
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as file:
        warnings.simplefilter("ignore")  # of two members of one name
        for name, content in [("manifest.json", json.dumps(about)), *others.items(), *extra]:
            file.writestr(name, content)
    return path


def edited(members, change):
    """Members after `change(estimator)` of what stands in ``estimator.json``."""
    plain = json.loads(members["estimator.json"])
    change(plain["estimator"])
    return members | {"estimator.json": json.dumps(plain).encode()}


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def saved(panel, tmp_path_factory):
    """A baseline of a panel in a file, and the members of that file."""
    path = tmp_path_factory.mktemp("saved") / "naive.tsrnn"
    forecaster = SeasonalNaive(3, target="sales", past_covariates="promo").fit(panel)
    forecaster.save(path)
    return path, members_of(path), forecaster.predict()


@pytest.fixture(scope="module")
def saved_network(monthly, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "lstm.tsrnn"
    forecaster = LSTMForecaster(3, units=4, max_epochs=1, random_state=0).fit(monthly)
    forecaster.save(path)
    return path, members_of(path), forecaster.predict()


@pytest.fixture(scope="module")
def saved_conformal(panel, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "conformal.tsrnn"
    naive = SeasonalNaive(3, target="sales", past_covariates="promo")
    forecaster = ConformalForecaster(naive, coverage=0.8, n_splits=5).fit(panel)
    forecaster.save(path)
    return path, members_of(path), forecaster.predict()


def refused(path, *words):
    """Load a file that is refused: naming it, the reason and the remedy."""
    with pytest.raises(ValueError) as error:
        tsrnn.load(path)
    assert str(path) in str(error.value)
    for word in words:
        assert word in str(error.value)


# --- damage ---------------------------------------------------------------------------------


def flip(content, rng):
    for _ in range(rng.choice([1, 1, 1, 8, 64])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def cut(content, rng):
    del content[rng.randrange(len(content)) :]


def lose(content, rng):
    first = rng.randrange(len(content))
    del content[first : first + rng.choice([1, 2, 16, 500])]


def gain(content, rng):
    place = rng.randrange(len(content) + 1)
    content[place:place] = rng.randbytes(rng.choice([1, 4, 100]))


def overwrite(content, rng):
    first, n = rng.randrange(len(content)), rng.choice([1, 4, 32])
    content[first : first + n] = rng.randbytes(n)


def repeat(content, rng):
    first, second = sorted(rng.choices(range(len(content)), k=2))
    content[first:second] = content[first:second] * 2


def swap(content, rng):
    """Swap the content of two members, or double one, and leave the manifest as it is."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    one, other = rng.choices(list(members), k=2)
    members[one], members[other] = members[other], members[rng.choice([one, other])]
    content[:] = in_zip(members)


def edit(content, rng):
    """Change a character of the JSON of a member, which stays a valid member of the zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    name = rng.choice(["manifest.json", "estimator.json"])
    text = bytearray(members[name])
    text[rng.randrange(len(text))] = rng.choice(b'0123456789"{}[],:abcdef.-')
    content[:] = in_zip(members | {name: bytes(text)})


def in_zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("damage", [flip, cut, lose, gain, overwrite, repeat, swap, edit])
def test_a_damaged_file_is_refused_or_is_what_was_saved(
    damage, saved, saved_network, saved_conformal, tmp_path
):
    rng = random.Random(damage.__name__)
    small = [saved, saved_conformal]
    path, n_refused = tmp_path / "damaged.tsrnn", 0
    for i in range(N_DAMAGED // 8):
        source, _, forecasts = small[i % 2] if i % EVERY_NTH_OF_A_NETWORK else saved_network
        content = bytearray(source.read_bytes())
        damage(content, rng)
        path.write_bytes(content)
        try:
            forecaster = tsrnn.load(path)
        except ValueError as error:
            assert str(path) in str(error)
            n_refused += 1
        else:
            assert forecaster.predict().equals(forecasts)
    assert n_refused > N_DAMAGED // 8 * 0.6  # of a header of zip many bits mean nothing


OTHER = [
    *(None, True, -1, 2**63, 10**30, 1.5, "", "x", "../a", "M8[ns]", "MS", [], {}, [[1]]),
    *({"tuple": [1]}, {"float": "nan"}, {"dict": [[[], 1]]}, {"array": "arrays/0.npy"}),
    {"array": {"dtype": "|O", "shape": [1], "values": [1]}},
    {"array": {"dtype": "<f8", "shape": [0], "values": []}},
    *({"estimator": {"as": 0}}, {"range_index": {"name": None, "values": [0, 10**12, 1]}}),
    *({"zone": "../../etc/passwd"}, {"offset": "D"}, {"period": {"ordinal": 3, "freq": "M"}}),
]


@pytest.mark.parametrize("of", ["saved", "saved_conformal"])
def test_what_is_edited_with_its_checksums_is_refused_or_a_forecaster(of, request, tmp_path):
    path, original, _ = request.getfixturevalue(of)
    rng, n_refused, kind = random.Random(0), 0, type(tsrnn.load(path))
    for _ in range(500):
        plain = json.loads(original["estimator.json"])
        places = [plain["estimator"]["attributes"]]
        for place in places:  # grows on the way
            inside = place.values() if isinstance(place, dict) else place
            places += [one for one in inside if isinstance(one, dict | list) and one]
        place = rng.choice(places)
        key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if rng.random() < 0.3:
            del place[key]
        else:
            place[key] = rng.choice(OTHER)
        members = original | {"estimator.json": json.dumps(plain).encode()}
        try:
            forecaster = tsrnn.load(written(tmp_path / "edited.tsrnn", members))
        except ValueError:
            n_refused += 1
        else:
            assert type(forecaster) is kind
    assert n_refused > 250


# --- hostile files --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../evil.npy", "/etc/evil", "arrays/../../evil.npy", "arrays\\0.npy", "evil.pkl", "arrays/"],
)
def test_members_of_other_names_are_refused(name, saved, tmp_path):
    path = written(tmp_path / "a.tsrnn", saved[1], extra=[(name, b"x")])
    refused(path, "does not belong there")
    assert os.listdir(tmp_path) == ["a.tsrnn"]


def test_two_members_of_one_name_are_refused(saved, tmp_path):
    again = [("estimator.json", saved[1]["estimator.json"])]
    refused(written(tmp_path / "a.tsrnn", saved[1], extra=again), "two members of one name")


def test_members_that_the_manifest_lacks_or_the_file_are_refused(saved, tmp_path):
    extra = [("arrays/99.npy", npy(np.ones(3)))]
    refused(written(tmp_path / "a.tsrnn", saved[1], extra=extra), "not those that manifest.json")
    rest = {name: content for name, content in saved[1].items() if not name.endswith("0.npy")}
    refused(written(tmp_path / "b.tsrnn", rest, mend=False), "not those that manifest.json")
    refused(written(tmp_path / "c.tsrnn", rest), "array 'arrays/0.npy' is missing")


def test_a_bomb_is_refused_before_it_is_unpacked(saved, tmp_path):
    path = tmp_path / "bomb.tsrnn"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in saved[1].items():
            file.writestr(name, content)
        file.writestr("arrays/99.npy", bytes(50_000_000))
    refused(path, "compressed")


def test_a_member_that_claims_to_be_larger_than_the_file_is_refused(saved, tmp_path):
    content = bytearray(saved[0].read_bytes())
    entry = content.rfind(b"PK\x01\x02")  # of the last member in the directory of the zip
    content[entry + 20 : entry + 28] = (2**31).to_bytes(4, "little") * 2
    path = tmp_path / "a.tsrnn"
    path.write_bytes(content)
    refused(path, "larger than the file")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (npy(np.array([{}, None]), allow_pickle=True), "only plain numbers"),
        (npy(np.zeros(3, "f8,i4")), "only plain numbers"),
        (npy(np.array([b"ab"])), "only plain numbers"),
        (pickle.dumps(np.zeros(100)), "is no array"),
        (b"", "is no array"),
        (b"\x93NUMPY\x01\x00" + b"\xff" * 40, "is no array"),
        (npy(np.zeros(100))[:-1], "is said to hold"),
        (npy(np.zeros(100)).replace(b"(100,), }", b"(10**9,)}"), "is no array"),
        (npy(np.zeros(100, bool))[:-1] + b"\x02", "others than 0 and 1"),
        (npy(np.zeros(100)).replace(b"(100,), }", b"(9999999999999,), }"), "member"),
        (npy(np.full(100, "ab"))[:-800] + b"\xff" * 800, "others than characters"),
    ],
    ids=[
        "object",
        "fields",
        "bytes",
        "pickle",
        "empty",
        "header",
        "short",
        "code",
        "flags",
        "huge",
        "text",
    ],
)
def test_arrays_of_anything_but_numbers_are_refused(content, reason, saved, tmp_path):
    path = written(tmp_path / "a.tsrnn", saved[1] | {"arrays/0.npy": content})
    refused(path, reason)


def test_nothing_from_a_pickle_runs(saved, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    payload = pickle.dumps(Evil())
    refused(written(tmp_path / "a.tsrnn", saved[1] | {"estimator.json": payload}), "valid JSON")
    path = tmp_path / "b.tsrnn"
    path.write_bytes(payload)
    refused(path, "no tsrnn file")
    evil = np.array([Evil()], dtype=object)
    path = written(tmp_path / "c.tsrnn", saved[1] | {"arrays/0.npy": npy(evil, allow_pickle=True)})
    refused(path, "only plain numbers")
    assert not (tmp_path / "evil").exists()


def test_a_newer_format_says_to_update(saved, tmp_path):
    newer = {"format_version": archive.FORMAT + 1, "extra": [("weights.bin", b"x")]}
    path = written(tmp_path / "a.tsrnn", saved[1], **newer)
    refused(path, "format 2 is newer than 1", "update tsrnn", "'tsrnn': '0.1.0'")


@pytest.mark.parametrize("version", [0, "1", None, 1.0, True])
def test_a_version_that_is_none_is_refused(version, saved, tmp_path):
    refused(written(tmp_path / "a.tsrnn", saved[1], format_version=version), "format_version=")


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "other.tsrnn"
    path.write_bytes(content)
    refused(path, "no tsrnn file", "save the forecaster again")


def test_other_zips_are_refused(tmp_path):
    path = tmp_path / "other.tsrnn"
    for about in (
        b"[]",
        b"{}",
        b"NaN",
        b'{"format": "tsrnn", "format": "tsrnn"}',
        b"\xff",
        b"[" * 9999,
    ):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("manifest.json", about)
        refused(path, "manifest.json")


@pytest.mark.parametrize("name", ["os.system", "Forecaster", "KMeans", "Panel", "", 3, None])
def test_classes_that_are_not_in_the_table_are_refused(name, saved, tmp_path):
    members = edited(saved[1], lambda estimator: estimator.update({"class": name}))
    refused(written(tmp_path / "a.tsrnn", members), "unknown class")


def test_only_a_forecaster_is_loaded(saved, tmp_path):
    for plain in (3, [], {"tuple": []}, {"timestamp": {"ticks": 0, "unit": "s", "zone": None}}):
        members = saved[1] | {"estimator.json": json.dumps(plain).encode()}
        refused(written(tmp_path / "a.tsrnn", members), "no forecaster")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("predict", 1, "has no attribute 'predict'"),
        ("__class__", 1, "has no attribute '__class__'"),
        ("history_", 1, "history_ of its SeasonalNaive is a int"),
        ("horizon_", "3", "horizon_ of its SeasonalNaive is a str"),
        ("naive_error_", None, "naive_error_ of its SeasonalNaive is a NoneType"),
        ("horizon_", {"unknown": 1}, "unknown kind 'unknown'"),
        ("horizon_", {"float": "nan", "tuple": []}, "instead of a kind"),
        ("horizon_", {"float": "1; import os"}, "1; import os"),
        ("horizon_", {"estimator": {"as": 0}}, "does not hold"),
        ("horizon_", {"function": "load"}, "unknown function"),
        ("horizon_", {"zone": "../../etc/passwd"}, "impossible"),
        ("horizon_", {"dict": [[[1], 2]]}, "a dictionary has the key"),
    ],
)
def test_attributes_of_other_names_or_types_are_refused(name, value, reason, saved, tmp_path):
    members = edited(saved[1], lambda estimator: estimator["attributes"].update({name: value}))
    refused(written(tmp_path / "a.tsrnn", members), reason)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("residuals_", {"array": {"dtype": "<f8", "shape": [2], "values": [1.0, 2.0]}}),
        ("_unscaled", {"array": {"dtype": "<f8", "shape": [1], "values": [0.0]}}),
        *(("season_length_", 0), ("step_", -5), ("horizon_", 99), ("_positions", [1, 2])),
    ],
)
def test_a_calibration_whose_parts_do_not_fit_is_refused(name, value, saved_conformal, tmp_path):
    change = {name: value}
    members = edited(saved_conformal[1], lambda estimator: estimator["attributes"].update(change))
    refused(written(tmp_path / "a.tsrnn", members), "its ConformalForecaster do not go together")


@pytest.mark.parametrize(
    "name", ["forecaster_", "residuals_", "n_splits_", "_history", "_unscaled", "_positions"]
)
def test_a_part_of_a_calibration_that_is_missing_is_refused(name, saved_conformal, tmp_path):
    members = edited(saved_conformal[1], lambda estimator: estimator["attributes"].pop(name))
    refused(written(tmp_path / "a.tsrnn", members), f"ConformalForecaster lacks {name}")


@pytest.mark.parametrize("name", ["history_", "horizon_", "columns_", "naive_error_"])
def test_a_fitted_attribute_that_is_missing_is_refused(name, saved, tmp_path):
    members = edited(saved[1], lambda estimator: estimator["attributes"].pop(name))
    refused(written(tmp_path / "a.tsrnn", members), f"SeasonalNaive lacks {name}")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("offsets", {"array": {"dtype": "<i8", "shape": [2], "values": [0, 10**9]}}),
        ("offsets", {"array": {"dtype": "<i8", "shape": [3], "values": [0, 90, 10]}}),
        ("offsets", {"array": {"dtype": "<f8", "shape": [1], "values": [0.0]}}),
        ("starts", {"array": {"dtype": "<i8", "shape": [1], "values": [0]}}),
        ("values", {"array": {"dtype": "<f8", "shape": [0], "values": []}}),
        ("ids", None),
        ("ids", 3),
        ("grid", None),
    ],
)
def test_a_panel_whose_parts_do_not_fit_is_refused(part, value, saved, tmp_path):
    def change(estimator):
        fields = estimator["attributes"]["history_"]["data"]["fields"]
        fields[part] = value
        if part == "ids" and value is None:
            fields["starts"] = {"array": {"dtype": "<i8", "shape": [2], "values": [0, 0]}}

    refused(written(tmp_path / "a.tsrnn", edited(saved[1], change)), "Panel")


def test_a_parameter_of_a_newer_tsrnn_gets_its_default(saved, tmp_path):
    members = edited(saved[1], lambda estimator: estimator["attributes"].pop("static_covariates"))
    forecaster = tsrnn.load(written(tmp_path / "a.tsrnn", members))
    assert forecaster.static_covariates is None
    assert forecaster.predict().equals(saved[2])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.tsrnn"):
        tsrnn.load(tmp_path / "nowhere.tsrnn")


# --- writing --------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["writestr", "_write_end_record", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_while_saving_leaves_the_old_file(moment, error, saved, tmp_path, monkeypatch):
    path = tmp_path / "a.tsrnn"
    content = saved[0].read_bytes()
    path.write_bytes(content)

    def fail(*args, **kwargs):
        raise error

    home = zipfile.ZipFile if hasattr(zipfile.ZipFile, moment) else os
    with monkeypatch.context() as patch:
        patch.setattr(home, moment, fail)
        with pytest.raises(type(error)):
            SeasonalNaive(1).fit([1.0, 2.0, 3.0]).save(path)
    assert os.listdir(tmp_path) == ["a.tsrnn"]
    assert path.read_bytes() == content
    SeasonalNaive(1).fit([1.0, 2.0, 3.0]).save(path)
    assert tsrnn.load(path).predict().tolist() == [3.0]
    assert os.listdir(tmp_path) == ["a.tsrnn"]


SAVING = """
import sys
import numpy as np
import tsrnn
both = [tsrnn.SeasonalNaive(1).fit(np.full(n, float(n))) for n in (200, 300_000)]
print("ready", flush=True)
while True:
    for one in both:
        one.save(sys.argv[1])
"""


def test_a_program_killed_while_saving_leaves_the_old_or_the_new_file(tmp_path):
    path, rng = tmp_path / "a.tsrnn", random.Random(0)
    SeasonalNaive(1).fit(np.full(200, 200.0)).save(path)
    for _ in range(4):
        command = [sys.executable, "-c", SAVING, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout.readline() == "ready\n"
            time.sleep(rng.uniform(0.01, 0.2))
            program.send_signal(signal.SIGKILL)
        assert tsrnn.load(path).predict()[0] in (200.0, 300_000.0)
    SeasonalNaive(1).fit([7.0]).save(path)
    assert tsrnn.load(path).predict()[0] == 7.0


def test_the_same_forecaster_makes_the_same_file(saved, tmp_path):
    tsrnn.load(saved[0]).save(tmp_path / "again.tsrnn")
    assert (tmp_path / "again.tsrnn").read_bytes() == saved[0].read_bytes()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path=.*a\.tsrnn.* there is no folder .*make it"):
        SeasonalNaive(1).fit([7.0]).save(tmp_path / "nowhere" / "a.tsrnn")


def test_a_link_goes_on_to_point_to_the_file(tmp_path):
    (tmp_path / "link.tsrnn").symlink_to(tmp_path / "a.tsrnn")
    SeasonalNaive(1).fit([7.0]).save(tmp_path / "link.tsrnn")
    assert (tmp_path / "link.tsrnn").is_symlink()
    assert tsrnn.load(tmp_path / "a.tsrnn").predict()[0] == 7.0


def test_the_file_is_a_plain_zip_of_json_and_arrays(saved):
    _, members, _ = saved
    manifest = json.loads(members["manifest.json"])
    assert manifest["class"] == "SeasonalNaive"
    assert set(manifest["versions"]) >= {"tsrnn", "keras"}
    arrays = [np.load(io.BytesIO(members[name])) for name in members if name.endswith(".npy")]
    assert any(array.shape[1:] == (2,) for array in arrays)
    assert json.loads(members["estimator.json"])["estimator"]["attributes"]["horizon"] == 3
