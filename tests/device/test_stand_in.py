"""The stand-in is as strict as CuPy, and offers nothing that CuPy does not have."""

import copy
import gc
import pickle
import warnings

import numpy as np
import pytest

from tests.oracle import record_cupy_names
from tests.standin import crossings, cupy, cupyx, journal, memory_pool
from tests.standin.devices import cuda, find_unknown

HOST = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def x():
    return cupy.asarray(HOST)


def check_refused(error, text, call, *args, **kwargs):
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    assert text in str(caught.value)


def test_an_implicit_conversion_to_numpy_is_refused(x):
    for convert in (np.asarray, np.ascontiguousarray, np.float64):
        check_refused(TypeError, "Please use `.get()` to construct a NumPy array", convert, x)


@pytest.mark.parametrize("operation", [np.add, np.matmul, np.where, np.maximum, np.less])
def test_functions_refuse_numpy_among_the_operands(x, operation):
    other = np.ones((2, 3), np.float32)
    arguments = (x > 0, x, other) if operation is np.where else (x, other)
    check_refused(TypeError, "Unsupported type <class 'numpy.ndarray'>", operation, *arguments)


def test_operators_refuse_numpy_on_either_side(x):
    other = np.ones((2, 3), np.float32)
    for mixed in (
        lambda: x + other,
        lambda: other * x,
        lambda: x.__iadd__(other),
        lambda: x == other,
        lambda: x[np.array([0])],
        lambda: np.exp(x, out=np.empty((2, 3), np.float32)),
    ):
        check_refused(TypeError, "Unsupported type <class 'numpy.ndarray'>", mixed)
    check_refused(TypeError, "Only cupy arrays", np.concatenate, [x, other])
    check_refused(ValueError, "non-scalar numpy.ndarray", x.__setitem__, ..., other)


def test_scalars_promote_as_in_cupy(x):
    assert (x * 2.5).dtype == np.float32
    assert (x * np.float64(2.5)).dtype == np.float64
    assert (np.float32(2) * x).dtype == np.float32
    assert (cupy.asarray([1, 2], np.int8) + 1).dtype == np.int8
    assert (cupy.asarray([1, 2], np.int8) / 2).dtype == np.float64
    check_refused(TypeError, "Wrong type", np.bitwise_and, x, 1)


def test_reductions_and_elements_are_arrays(x):
    for value in (x.sum(), np.sum(x), x.max(), np.argmax(x), x[0, 0], np.count_nonzero(x)):
        assert type(value) is cupy.ndarray and value.shape == ()
    element = x[1, 2]
    element += 1
    assert x.get()[1, 2] == HOST[1, 2] + 1
    check_refused(TypeError, "cannot be interpreted as an integer", range, x.sum())


def test_names_and_keywords_that_cupy_lacks_are_refused(x):
    check_refused(AttributeError, "no attribute 'unstack'", getattr, cupy, "unstack")
    check_refused(AttributeError, "setflags", getattr, x, "setflags")
    check_refused(AttributeError, "writeable", getattr, x.flags, "writeable")
    check_refused(TypeError, "where", np.sum, x, where=x > 0)
    check_refused(TypeError, "Wrong arguments", np.exp, x, where=x > 0)
    check_refused(TypeError, "a_min", np.clip, x, min=0)
    check_refused(ValueError, "kind", np.sort, x, kind="quicksort")
    check_refused(NotImplementedError, "the stand-in not yet", getattr, cupy, "random")
    check_refused(TypeError, "no implementation found", np.block, [x])


def test_dispatch_gives_cupy_arrays(x):
    for value in (np.exp(x), np.sum(x, axis=0), np.where(x > 1, x, 0), np.einsum("ij->j", x)):
        assert type(value) is cupy.ndarray
    np.testing.assert_allclose(np.tensordot(x, x, axes=([1], [1])).get(), HOST @ HOST.T)


def test_views_know_their_base(x):
    for view in (x[0], x.T, x.reshape(3, 2), np.swapaxes(x, 0, 1), x.ravel(), x.T.ravel().T):
        assert (view.base is x) == np.may_share_memory(view._host, x._host)
    window = cupy.lib.stride_tricks.as_strided(x, (2, 2, 2), (12, 4, 4))
    assert window.base is x and x[:, 1:].data.ptr - x.data.ptr == 4
    view = cupy.ndarray((2, 2), np.float32, x[:, 1:].data, (12, 4))
    np.testing.assert_array_equal(view.get(), HOST[:, 1:])


def test_indices_select_and_wrap_as_in_cupy(x):
    rows = cupy.asarray([1, 3])  # 3 is out of bounds: the GPU wraps around
    np.testing.assert_array_equal(x[rows].get(), HOST[[1, 1]])
    np.testing.assert_array_equal(x[..., rows].get(), HOST[:, [1, 0]])
    np.testing.assert_array_equal(x[x > 2].get(), HOST[HOST > 2])
    np.testing.assert_array_equal(x.take(rows, 0).get(), HOST[[1, 1]])
    np.testing.assert_array_equal(np.take_along_axis(x, x.argmax(1)[:, None], 1).get(), [[2], [5]])
    cupy.add.at(x, (cupy.asarray([0, 0]), cupy.asarray([1, 1])), 1.0)
    assert float(x[0, 1]) == 3
    cupyx.scatter_add(x, cupy.asarray([0, 0]), cupy.ones(3, np.float32))
    assert float(x[0, 1]) == 5
    check_refused(TypeError, "all returned NotImplemented", np.add.at, x, (rows, rows), 1.0)
    check_refused(TypeError, "does not support", cupy.add.at, cupy.zeros(2, np.int8), rows, 1)


def test_copies_between_host_and_device_are_recorded(x):
    crossings.clear()
    (x + 1).sum().get()
    cupy.asarray([1.0])
    assert crossings == ["to host: get", "to device: asarray"]


def test_each_array_is_on_one_device(x):
    with cuda.Device(1):
        check_refused(ValueError, "(0) is different from the current device (1)", np.exp, x)
        there = x.copy()
        assert there.device.id == 1 and copy.deepcopy(x).device.id == 0
    check_refused(ValueError, "(1) is different from the current device (0)", np.add, x, there)


def test_memory_is_counted_and_limited(x):
    gc.collect()  # frees arrays of other tests, which tracebacks hold
    before = memory_pool.used_bytes()
    block = cupy.zeros(1000, np.float32)
    assert memory_pool.used_bytes() == before + 4000
    del block
    assert memory_pool.used_bytes() == before
    memory_pool.set_limit(before + 100)
    try:
        check_refused(MemoryError, "Out of memory allocating 4,000", cupy.zeros, 1000, np.float32)
    finally:
        memory_pool.set_limit(0)


def test_arrays_can_be_pickled(x):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(x)).get(), HOST)


def test_the_stand_in_has_no_name_that_cupy_lacks():
    for module in (cupy, cupy.linalg, cupy.lib.stride_tricks, cupy.exceptions, cupyx):
        known = {name for names in journal.MODULES[module.__name__].values() for name in names}
        mine = {name for name in vars(module) if not name.startswith("_")}
        assert mine - known <= {"cuda", "linalg", "lib", "scipy"}  # CuPy's submodules
    methods = journal.MODULES["cupy"]["classes"]["ndarray"]
    mine = {name for name in dir(cupy.ndarray) if not name.startswith("_")}
    assert mine <= {*methods["methods"], *methods["attributes"]}
    assert find_unknown(cuda, "cupy.cuda") == find_unknown(cuda.runtime, "cupy.cuda.runtime") == set()
    assert find_unknown(cuda.nvtx, "cupy.cuda.nvtx") == set()


def test_real_cupy_has_every_recorded_name_and_keyword():
    """Whatever the stand-in accepts, the installed CuPy has under that name, with these parameters and loops."""
    pytest.importorskip("cupy", reason="CuPy is not installed here (it imports without a GPU)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of CuPy's names are NumPy's, which deprecates them one by one
        now = record_cupy_names.record()["modules"]
    both = record_cupy_names.narrow(journal.MODULES, now)
    for module, entry in journal.MODULES.items():
        for kind, names in entry.items():
            lacking = {name for name in names if name not in now[module][kind]}
            assert not lacking, f"{module} has no {lacking}"
            if kind != "others":
                kept = both[module][kind]
                narrower = {name: kept[name] for name in names if kept[name] != names[name]}
                assert not narrower, f"{module}: of what was recorded there is only {narrower}"


def test_narrow_keeps_what_two_versions_of_cupy_have():
    one = {"f": "a, axis=None, *, out=None", "add": "ee->e ff->f", "g": "x", "names": ["T", "mT"], "all": "a, b=None"}
    other = {"f": "a, *, out=None, new=None", "add": "ff->f EE->E", "names": ["T"], "all": "*args, **kwargs"}
    expected = {"f": "a, *, out=None", "add": "ff->f", "names": ["T"], "all": "a, b=None"}
    assert record_cupy_names.narrow(one, other) == expected
