"""Saved values are restored: values, dtypes, identity, shared memory; other types are refused by name."""

import copy
import io
import math
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import nn, optim
from minigrad.serialization import load, save


def round_trip(obj, **options):
    file = io.BytesIO()
    save(obj, file)
    return load(file, **options)


def are_same(a, b):
    """Equal in type, value and sign of zero; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, minigrad.Tensor):
        return (a.requires_grad, a.dtype) == (b.requires_grad, b.dtype) and are_same(
            a.detach().numpy(), b.detach().numpy()
        )
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return len(a) == len(b) and all(are_same([*x], [*y]) for x, y in zip(a.items(), b.items(), strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(are_same, a, b))
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a, math.copysign(1, a)) == (b, math.copysign(1, b))
    return a == b


TENSORS = [
    minigrad.tensor([[1.0, -0.0], [float("nan"), float("inf")]]),
    minigrad.tensor(3.5),
    minigrad.zeros(0, 3),
    minigrad.tensor([1, 2], dtype=minigrad.int8),
    minigrad.tensor([True, False]),
    minigrad.tensor([1.0], dtype=minigrad.float64, requires_grad=True),
    minigrad.tensor([1.0], dtype=minigrad.float16),
    minigrad.tensor([2**62, -1]),
    minigrad.arange(12).reshape(3, 4).T,
    minigrad.arange(12).reshape(3, 4)[:, 1],
    nn.Parameter(minigrad.ones(2, 2)),
    nn.Parameter(minigrad.ones(2), requires_grad=False),
]


def name(value):
    """A short name for a test; numbers of thousands of digits have no repr, sets have no order."""
    return type(value).__name__ if isinstance(value, (int, set, frozenset)) else repr(value)[:40]


PLAIN = [
    None,
    True,
    0,
    -(2**63),
    2**63,
    -(10**4000),
    1.5,
    -0.0,
    5e-324,
    float("nan"),
    float("-inf"),
    "text \x00 \ud800 \N{SNOWMAN}",
    b"\x00\xff",
    [],
    (),
    {},
    set(),
    [1, [2, [3, (4, {5: 6})]]],
    {1, "a", (2, None)},
    {(1, 2): 3, None: 4, 1.5: b"x", "a": "b", True: False, b"k": 2**70},
    OrderedDict(b=1, a=2),
    Counter("hello"),
    minigrad.float32,
    minigrad.bool,
    minigrad.Size([2, 3]),
    minigrad.device("cpu"),
    minigrad.device("cuda:1"),
]

NUMPY = [
    np.arange(6.0).reshape(2, 3),
    np.arange(6.0)[::-1],
    np.float32(2.5),
    np.int64(7),
    np.bool_(True),
    np.array(5),
    np.array(["a", "long"]),
    np.array([b"xy"]),
    np.array([1, 2], ">i4"),
    np.array([1 + 2j]),
    np.array(["2020-01-01"], "M8[D]"),
    np.zeros((0, 2), np.uint16),
]


@pytest.mark.parametrize("value", [*TENSORS, *PLAIN, *NUMPY], ids=name)
def test_each_value_is_the_same_after_loading(value):
    assert are_same(round_trip(value), value)
    assert are_same(round_trip({"in": [value]}), {"in": [value]})


keys = st.one_of(st.integers(), st.text(), st.booleans(), st.none(), st.binary(), st.floats(allow_nan=False))
values = st.recursive(
    keys, lambda parts: st.one_of(st.lists(parts), st.tuples(parts, parts), st.dictionaries(keys, parts)), max_leaves=20
)


@settings(max_examples=80, deadline=None)
@given(values)
def test_any_nesting_of_plain_values_is_the_same_after_loading(value):
    assert are_same(round_trip(value), value)


def test_tensors_of_one_array_share_it_after_loading():
    x = minigrad.ones(2)
    a, b, c = round_trip([x, x.detach(), minigrad.ones(2)])
    a.fill_(7.0)
    assert b.tolist() == [7, 7]
    assert c.tolist() == [1, 1]
    array = np.arange(3)
    kept, tensor = round_trip([array, minigrad.from_numpy(array)])
    assert kept.tolist() == tensor.tolist() == [0, 1, 2]


def test_a_view_is_saved_without_the_rest_of_its_memory():
    x = minigrad.zeros(1_000_000)
    for view in (x[:2], x[::250_000], x.reshape(1000, 1000)[:, 3]):
        save(view, file := io.BytesIO())
        assert len(file.getvalue()) < 6000


def test_views_may_differ_in_dtype_and_alignment():
    raw = np.zeros(17, np.uint8)
    arrays = [raw[1:9].view("i4"), raw[3:11].view("i4"), raw[4:12].view("f4"), raw]
    for i, array in enumerate(arrays[:3]):
        array[:] = i
    loaded = round_trip(arrays)
    assert all(map(are_same, loaded, arrays))


def test_results_of_operations_are_loaded_as_leaves():
    x = minigrad.ones(2, requires_grad=True)
    loaded = round_trip(x * 2)
    assert loaded.is_leaf
    assert loaded.requires_grad
    assert loaded.tolist() == [2, 2]


def test_a_buffer_is_a_tensor():
    assert type(round_trip(nn.Buffer(minigrad.ones(1)))) is minigrad.Tensor


def make_network():
    minigrad.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 1))
    net[2].weight = nn.Parameter(net[2].weight.detach())
    return net


def test_training_continues_from_a_saved_state(tmp_path):
    x, y = minigrad.ones(5, 3), minigrad.zeros(5, 1)

    def train(net, optimizer, schedule, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x), y).backward()
            optimizer.step()
            schedule.step()
        return [p.tolist() for p in net.parameters()]

    def fresh():
        net = make_network()
        optimizer = optim.Adam(net.parameters(), lr=0.05)
        return net, optimizer, optim.lr_scheduler.MultiStepLR(optimizer, [2, 5])

    run = fresh()
    train(*run, 3)
    path = tmp_path / "checkpoint.pt"
    save({"epoch": 3, "parts": [part.state_dict() for part in run]}, path)
    expected = train(*run, 3)
    resumed = fresh()
    checkpoint = load(path)
    assert checkpoint["epoch"] == 3
    for part, state in zip(resumed, checkpoint["parts"], strict=True):
        part.load_state_dict(state)
    assert train(*resumed, 3) == expected


def test_tied_weights_stay_tied_in_a_state_dict():
    net = make_network()
    net[2].weight = net[0].weight = nn.Parameter(minigrad.ones(4, 4))
    loaded = round_trip(net.state_dict())
    loaded["0.weight"].fill_(3.0)
    assert (loaded["2.weight"] == 3).all()
    assert type(loaded) is OrderedDict


def test_a_tensor_in_several_places_is_loaded_as_one_object():
    p, x = nn.Parameter(minigrad.ones(2)), minigrad.ones(3)
    loaded = round_trip({"all": [p, x, x.detach()], "again": (p, {"x": x}), "part": [x[1:]]})
    (first, second, third), (again, inside), (part,) = loaded.values()
    assert again is first and type(first) is nn.Parameter and inside["x"] is second and third is not second
    second.fill_(5.0)
    assert third.tolist() == [5.0] * 3 and part.tolist() == [5.0] * 2
    kept = minigrad.ones(1, requires_grad=True)
    loaded = round_trip([kept, kept])
    (loaded[0] * loaded[1]).backward()
    assert loaded[1].grad.item() == 2.0


def test_lazy_layers_are_saved_uninitialized():
    lazy = nn.LazyLinear(2)
    loaded = round_trip(lazy.state_dict())
    assert isinstance(loaded["weight"], nn.parameter.UninitializedParameter)
    assert loaded["weight"].dtype == minigrad.float32
    nn.LazyLinear(2).load_state_dict(loaded)


def test_save_and_load_take_paths_and_open_files(tmp_path):
    for name in ("weights", "weights.params", "a.pt.tar", "\N{SNOWMAN} x"):
        path = tmp_path / name
        save(minigrad.ones(2), str(path))
        assert load(path).tolist() == [1, 1]
        assert load(path, weights_only=False, mmap=True).tolist() == [1, 1]
        save([3], path)
        assert load(str(path)) == [3]
    with (tmp_path / "open").open("wb") as file:
        save("in an open file", file)
    with (tmp_path / "open").open("rb") as file:
        assert load(file) == "in an open file"


def test_flags_that_other_programs_pass_change_nothing(tmp_path):
    import pickle

    path = tmp_path / "x"
    save(minigrad.ones(2), path, pickle_module=pickle, pickle_protocol=4, _use_new_zipfile_serialization=False)
    assert load(path, None, pickle, weights_only=True, mmap=False, encoding="latin1").tolist() == [1, 1]


def test_files_of_the_first_release_load():
    """A file as it was written before views were: kept as bytes."""
    structure = '{"format": "minigrad 2", "storages": [["<f4", [2], "cpu"]], "root": ["list", ["Tensor", 0, true], 5]}'
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("structure.json", structure)
        archive.writestr("storage/0", np.array([1, 2], "<f4").tobytes())
    tensor, number = load(file)
    assert tensor.tolist() == [1, 2] and tensor.requires_grad and number == 5


def test_equal_contents_make_equal_files():
    a, b = io.BytesIO(), io.BytesIO()
    obj = {"x": minigrad.ones(3), "n": 1}
    save(obj, a)
    save(copy.deepcopy(obj), b)
    assert a.getvalue() == b.getvalue()


def test_a_file_is_an_archive_that_other_tools_open(tmp_path):
    import json

    path = tmp_path / "x"
    save({"w": minigrad.tensor([1.0, 2.0])}, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["structure.json", "storage/0"]
        assert np.frombuffer(archive.read("storage/0"), "<f4").tolist() == [1, 2]
        structure = json.loads(archive.read("structure.json"))
    assert structure == {
        "format": "minigrad 2",
        "storages": [["<f4", [2], str(minigrad.zeros(1).device)]],
        "root": ["dict", ["w", ["Tensor", 0, False]]],
    }


# ---- devices --------------------------------------------------------------------------------


def test_tensors_on_a_gpu_are_loaded_where_map_location_says(stand_in, tmp_path):
    path = tmp_path / "cuda"
    x = minigrad.arange(6.0, device="cuda").reshape(2, 3)
    w = minigrad.ones(2, device="cuda", requires_grad=True)
    save([x, x.detach(), w, np.arange(2)], path)
    x2, x3, w2, array = load(path)
    assert x2.device == minigrad.device("cuda:0")
    assert x2.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert w2.requires_grad
    x3.fill_(1.0)
    assert x2.sum().item() == 6
    assert type(array) is np.ndarray
    for place in ("cpu", minigrad.device("cpu"), {"cuda:0": "cpu"}, lambda storage, name: storage):
        x2, _, w2, _ = load(path, place)
        assert x2.device == w2.device == minigrad.device("cpu")
        assert x2.tolist() == [[0, 1, 2], [3, 4, 5]]
    save(minigrad.ones(2), path)
    assert load(path, "cuda").device.type == "cuda"
    assert load(path, lambda storage, name: None).device.type == "cpu"
    save([np.array(["text"]), np.arange(3)], path)
    assert [type(a) for a in load(path, "cuda")] == [np.ndarray, np.ndarray]


def test_loading_tensors_of_a_gpu_without_one_names_map_location(tmp_path):
    from minigrad import backend
    from tests.conftest import install_stand_in

    path = tmp_path / "cuda"
    with install_stand_in():
        save({"w": minigrad.arange(3.0, device="cuda")}, path)
    if backend.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(minigrad.serialization.SerializationError, match=r"on a CUDA device but .*map_location='cpu'"):
        load(path)  # a damaged structure may say so, too
    assert load(path, map_location="cpu")["w"].tolist() == [0, 1, 2]
    with pytest.raises(RuntimeError, match="device"):
        load(path, map_location="nowhere")


def test_cycles_and_depth_are_refused():
    cycle = [1]
    cycle.append({"again": cycle})
    with pytest.raises(ValueError, match="contains itself"):
        save(cycle, io.BytesIO())
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        save(deep, io.BytesIO())


def test_objects_that_are_no_files_are_refused():
    with pytest.raises(AttributeError, match="with a 'write' attribute, got int"):
        save(1, 5)
    with pytest.raises(AttributeError, match=r"path or a binary file that can seek.*io\.BytesIO"):
        load(5)
    with pytest.raises(FileNotFoundError):
        load("/nowhere/at/all")


class Reader:
    """A file-like object with the methods that `load` needs, and no more."""

    def __init__(self, file):
        self.read, self.readline, self.seek, self.tell = file.read, file.readline, file.seek, file.tell


def test_a_reader_needs_no_more_than_read_and_seek():
    file = io.BytesIO()
    save({"a": minigrad.ones(2)}, file)
    assert load(Reader(file))["a"].tolist() == [1, 1]
    with pytest.raises(minigrad.serialization.SerializationError, match="cut short"):
        load(Reader(io.BytesIO(file.getvalue()[:50])))
