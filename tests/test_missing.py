"""Names that are not here: the error says whether PyTorch has them; `dir` lists the others."""

import importlib
import re
import subprocess
import sys

import pytest

import minigrad as torch
from minigrad.missing import missing_name

MISSING = {
    "a name of PyTorch's": ("minigrad", "lstm", "PyTorch has torch.lstm, minigrad does not; docs/supported.md"),
    "a type of PyTorch's": ("minigrad", "qint8", "PyTorch has torch.qint8"),
    "a typing mistake": ("minigrad", "zerso", "Did you mean: 'zeros'"),
    "nothing known": ("minigrad", "qqqqq", "has no attribute 'qqqqq'$"),
    "a layer of PyTorch's": ("minigrad.nn", "Container", "PyTorch has torch.nn.Container, minigrad does not"),
    "a layer, misspelt": (
        "minigrad.nn", "Conv2D", "module 'minigrad.nn' has no attribute 'Conv2D'. Did you mean: 'Conv2d'"),
    "a class beside a module": ("minigrad.utils.data", "Dataloader", "Did you mean: 'DataLoader'"),
    "a loss": ("minigrad.nn.functional", "linear_cross_entropy", "PyTorch has torch.nn.functional.linear_cross"),
    "an optimizer": ("minigrad.optim", "SparseAdam", "PyTorch has torch.optim.SparseAdam"),
    "a sampler": ("minigrad.utils.data", "get_worker_inf", "has no attribute"),
    "a store": (
        "minigrad.distributed", "TCPStore", r"minigrad does not; init_process_group\(\) brings the processes tog"),
    "a mesh": (
        "minigrad.distributed", "init_device_mesh", r"minigrad does not; new_group\(\) and new_subgroups\(\) make"),
    "a distribution": ("minigrad.distributions", "ExponentialFamily", "PyTorch has torch.distributions.Exponential"),
    "a function": ("minigrad.functional", "stft", "module 'minigrad.functional' has no attribute 'stft'"),
    "a layer": ("minigrad.nn.modules", "Conv9d", "module 'minigrad.nn.modules' has no attribute 'Conv9d'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_name_says_whether_pytorch_has_it(name):
    module, attribute, message = MISSING[name]
    with pytest.raises(AttributeError, match=message):
        getattr(importlib.import_module(module), attribute)


def test_a_private_name_is_not_looked_up():
    assert str(missing_name("torch.nn", "_foo")) == "module 'minigrad.nn' has no attribute '_foo'"
    assert str(missing_name("torch.Tensor", "stft")).startswith("'Tensor' object has no attribute 'stft': PyTorch has")


def test_asking_for_a_private_name_opens_no_file():
    program = (
        "import minigrad.missing; before = set(vars(minigrad)); hasattr(minigrad, '__wrapped__'); "
        "print(set(vars(minigrad)) - before)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"


@pytest.mark.parametrize("room", ["", ".nn", ".nn.utils", ".optim", ".autograd", ".cuda", ".distributed"])
def test_dir_of_a_package_lists_names_that_are_not_imported_yet(room):
    program = f"import minigrad{room} as room; print(sorted(set(room.__all__) - set(dir(room))))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", [
    "utils.benchmark", "utils.model_zoo", "as_torch", "notebook", "settings", "optim.matrix", "autograd.batches",
])  # fmt: skip
def test_a_module_that_was_not_imported_is_told_from_a_missing_name(name):
    room, _, module = f"minigrad.{name}".rpartition(".")
    program = f"import minigrad; minigrad.{name}"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr
    assert said.strip().endswith(f"module {room!r} has no attribute {module!r} yet: import minigrad.{name} first")
    program = f"import minigrad, minigrad.{name}; minigrad.{name}"  # the hint is true
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)


@pytest.mark.parametrize(("name", "end"), [
    ("optim.adam", "has no attribute 'adam'. Did you mean: 'Adam'?"),
    ("cumsumm", "has no attribute 'cumsumm'. Did you mean: 'cumsum'?"),
    ("optim.Adma", "has no attribute 'Adma'. Did you mean: 'Adam'?"),
    ("nn.relu", "has no attribute 'relu'. Did you mean: 'ReLU'? Or torch.relu?"),
    ("nn.functional.cross_entropy_loss", "Did you mean: 'cross_entropy'?"),
    ("nn.functional.Linear", "has no attribute 'Linear'. Did you mean: 'linear'? Or torch.nn.Linear?"),
    ("optim.StepLR", "has no attribute 'StepLR': it is torch.optim.lr_scheduler.StepLR"),
    ("utils.DataLoader", "has no attribute 'DataLoader': it is torch.utils.data.DataLoader"),
    ("backward", "has no attribute 'backward': it is a method: x.backward(...)"),
    ("nn.conv(1, 1, 3)", "module 'minigrad.nn' has no attribute 'conv'. Did you mean: 'Conv1d'?"),
    ("nn.linear(3, 4)", "has no attribute 'linear'. Did you mean: 'Linear'? Or torch.nn.functional.linear?"),
    ("optim.sgd([], lr=1)", "module 'minigrad.optim' has no attribute 'sgd'. Did you mean: 'SGD'?"),
    ("nn.Dropout(), torch.nn.dropout(0.5)", "has no attribute 'dropout'. Did you mean: 'Dropout'? Or torch.dropout?"),
    ("nn.parameter(3)", "TypeError: 'module' object is not callable. Did you mean: 'Parameter'?"),
    ("size(3)", "has no attribute 'size'. Did you mean: 'Size'? Or a method: x.size(...)?"),
    ("qint8", "minigrad does not; docs/supported.md lists what is here"),
    ("serialization.add_safe_globals", "nothing has to be allowed: save and load a state_dict"),
    ("accelerator.get_device_capability", "minigrad does not; docs/supported.md lists what is here"),
    ("random.thread_safe_generator", "minigrad does not; docs/supported.md lists what is here"),
])  # fmt: skip
def test_a_missing_name_gets_one_hint_in_a_traceback(name, end):
    program = f"import minigrad as torch; torch.{name}"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr
    assert said.strip().endswith(end)


def test_a_class_derived_of_a_file_that_has_its_name_in_small_letters_is_a_missing_name():
    with pytest.raises(AttributeError, match=r"'minigrad\.nn' has no attribute 'module'\. Did you mean: 'Module'"):

        class Net(torch.nn.module):
            pass


@pytest.mark.parametrize(("room", "name"), [("", "lstm"), (".nn", "Container"), (".optim", "Adma")])
def test_an_import_of_a_missing_name_says_the_same(room, name):
    with pytest.raises(AttributeError) as asked:
        getattr(importlib.import_module(f"minigrad{room}"), name)
    with pytest.raises(ImportError, match=f"^cannot import name '{name}': {re.escape(str(asked.value))}$"):
        exec(f"from minigrad{room} import {name}")


@pytest.mark.parametrize("room", ["nn.functional", "nn.init", "linalg", "special", "func", "utils.data"])
def test_dir_of_a_room_lists_its_public_names_alone(room):
    module = importlib.import_module(f"minigrad.{room}")
    assert dir(module) == sorted(module.__all__)  # no helper that the file imports
