"""`import minigrad.as_torch`: a lesson's own imports of torch give minigrad."""

import subprocess
import sys

import pytest


def run(program, *, code=0):
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_every_form_of_import_of_torch_gives_minigrad():
    out = run("""
import minigrad.as_torch
import torch, minigrad, sys
from torch import nn, optim
import torch.nn.functional as F
from torch.functional import F as the_same
import torch.optim.lr_scheduler
from torch.utils.data import DataLoader, TensorDataset
from torch.autograd import Variable
import torch.utils.model_zoo as model_zoo
from torch.nn.modules.module import Module
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.utils import _pair
from torch.distributions.bernoulli import Bernoulli
from torch.optim.adamw import AdamW
import torch.distributions.normal
import torch.nn.utils.prune as prune
import torch.nn.utils.parametrize as parametrize
from torch.nn.utils import parametrizations, spectral_norm
from torch.utils.data._utils.collate import default_collate
from torch.autograd.grad_mode import no_grad, set_grad_enabled
from torch.autograd import anomaly_mode
from torch.cuda.amp.grad_scaler import GradScaler
from torch.amp.autocast_mode import autocast
from torch.nn.parallel.data_parallel import DataParallel
import torch.cuda.memory
import importlib.util
assert no_grad is torch.no_grad and anomaly_mode.detect_anomaly is torch.autograd.detect_anomaly
assert GradScaler is torch.cuda.amp.GradScaler and DataParallel is nn.DataParallel
assert prune is minigrad.nn.utils.prune and isinstance(nn.BatchNorm2d(1), _BatchNorm)
assert AdamW is optim.AdamW and Bernoulli is torch.distributions.Bernoulli
assert torch.distributions.normal.Normal is torch.distributions.Normal
assert not hasattr(torch.distributions.normal, "ExponentialFamily")
assert the_same is F and torch.torch is torch
assert torch is minigrad and nn is minigrad.nn and F is minigrad.nn.functional and Module is nn.Module
assert torch.nn.Linear(1, 1)(torch.ones(1, 1)).shape == (1, 1) and sys.modules["torch.nn"] is nn
assert minigrad.nn.__name__ == minigrad.nn.__spec__.name == "minigrad.nn"
assert importlib.util.find_spec("torch.nn") is not None
print(torch.Size([2]), Variable(torch.ones(1)))
""")
    assert out == "minigrad.Size([2]) tensor([1.])\n"


def test_a_module_that_is_missing_says_so():
    out = run("import minigrad.as_torch\nimport torch.sparse_things", code=1)
    assert "No module named 'torch.sparse_things': minigrad has no such module" in out and "docs/supported.md" in out


@pytest.mark.parametrize("package", ["torch.nn", "minigrad.nn"])
def test_a_name_that_is_missing_says_so_where_it_is_imported(package):
    out = run(f"import minigrad.as_torch\nfrom {package} import Container", code=1)
    assert (
        "ImportError: cannot import name 'Container'" in out
        and "PyTorch has torch.nn.Container, minigrad does not" in out
    )
    out = run(f"import minigrad.as_torch\nfrom {package} import Conv2D", code=1)
    assert "ImportError: cannot import name 'Conv2D'" in out and "Did you mean: 'Conv2d'?" in out


def test_attribute_access_raises_attribute_error_not_import_error():
    out = run("""
import minigrad
from minigrad import nn, missing, as_torch
from minigrad.optim import *
from minigrad.cuda import *
from minigrad.utils import *
assert not hasattr(nn, "Container") and getattr(minigrad, "qint8", None) is None
try:
    from torch.nn import Container
except ImportError as error:
    assert error.name == "Container"
""")
    assert out == ""


@pytest.mark.parametrize("name", [
    "autograd.function.once_differentiable", "autograd.function.Function", "autograd.variable.Variable",
    "autograd.functional.jacobian", "utils.hooks.RemovableHandle", "utils.checkpoint.checkpoint",
    "nn.utils.rnn.pad_sequence", "nn.modules.conv.Conv2d", "optim.lr_scheduler.StepLR", "utils.data.sampler.Sampler",
])  # fmt: skip
def test_submodules_need_no_import_of_their_own(name):
    assert run(f"import minigrad.as_torch\nimport torch\ntorch.{name}") == ""


def test_importing_a_submodule_does_not_hide_the_function_of_its_name():
    out = run("""
import minigrad.as_torch
from torch.autograd.gradcheck import GradcheckError, gradcheck
import torch.autograd.gradcheck
import torch.nn.utils.spectral_norm
from torch.nn.utils.weight_norm import WeightNorm
import torch
assert torch.autograd.gradcheck is gradcheck and issubclass(GradcheckError, RuntimeError)
assert callable(torch.nn.utils.spectral_norm) and callable(torch.nn.utils.weight_norm)
""")
    assert out == ""


def test_modules_that_only_name_a_class_need_no_import():
    out = run("""
import minigrad as torch
print(torch.distributions.normal.Normal.__name__, torch.optim.adamw.AdamW.__name__)
assert torch.autograd.grad_mode.no_grad is torch.no_grad
try:
    torch.optim.adamw.Adam9
except AttributeError as error:
    print(error)
""")
    assert out == "Normal AdamW\nmodule 'minigrad.optim' has no attribute 'Adam9'. Did you mean: 'Adam'?\n"


def test_a_wrong_name_cannot_be_imported_from_such_a_module():
    out = run("import minigrad.as_torch\nfrom torch.optim.adamw import Adam9", code=1)
    assert "ImportError: cannot import name 'Adam9' from 'minigrad.optim.adamw'" in out
    out = run("import minigrad.as_torch\nfrom torch.fft import rfft", code=1)
    assert "No module named 'torch.fft': minigrad has no such module" in out


def test_a_pytorch_that_is_already_imported_is_refused():
    out = run("import sys, types\nsys.modules['torch'] = types.ModuleType('torch')\nimport minigrad.as_torch", code=1)
    assert "the real PyTorch (torch) is imported already" in out and "start anew" in out


def run_script(*words):
    command = [sys.executable, "-W", "error", "-m", "minigrad.as_torch", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_script_runs_with_its_arguments_and_its_own_folder(tmp_path):
    (tmp_path / "beside.py").write_text("import torch\nthree = torch.ones(3)\n")
    script = tmp_path / "lesson.py"
    script.write_text("""
import sys, torch, pickle
from beside import three
import minigrad.as_torch
class Mine: pass
if __name__ == "__main__":
    print(sys.argv[1:], __file__ == sys.argv[0], three.sum().item(), torch.__name__)
    print(type(pickle.loads(pickle.dumps(Mine()))) is Mine)
    raise SystemExit(3)
""")
    done = run_script(script, "--epochs", 2)
    assert done.stdout == "['--epochs', '2'] True 3.0 minigrad\nTrue\n", done.stderr
    assert done.returncode == 3


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--epochs", 2)])
def test_the_command_without_a_script_tells_its_usage(arguments):
    done = run_script(*arguments)
    assert done.returncode == 1
    assert done.stderr.strip() == "usage: python -m minigrad.as_torch SCRIPT [ARGUMENT ...]"


def test_a_script_that_is_not_there_is_told_in_a_sentence():
    done = run_script("nowhere.py")
    assert done.returncode == 1
    assert done.stderr.startswith("python -m minigrad.as_torch: there is no file 'nowhere.py' in '")
    assert "Traceback" not in done.stderr


def test_a_folder_is_no_script(tmp_path):
    done = run_script(str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"{str(tmp_path)!r} is a folder; name the file in it to run")


def test_remove_takes_the_names_of_torch_away():
    out = run("""
import minigrad.as_torch, sys
import torch.nn
minigrad.as_torch.remove()
assert not [name for name in sys.modules if name.split(".")[0] == "torch"]
assert not hasattr(minigrad, "torch")
assert not [finder for finder in sys.meta_path if type(finder).__module__ == "minigrad.as_torch"]
import minigrad.as_torch as again
again.remove()
again.remove()  # a second time there is nothing to remove
import minigrad.as_torch
import torch
print(torch.__name__)
""")
    assert out == "minigrad\n"


@pytest.mark.parametrize("missing", ["ctypes", "_ctypes"])
def test_minigrad_imports_without_ctypes(missing):
    program = f"import sys; sys.modules[{missing!r}] = None; import minigrad as torch; print(torch.ones(2).sum().item()"
    assert run(f"{program}, torch.get_num_threads() > 0)") == "2.0 True\n"
