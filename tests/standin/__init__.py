"""A strict stand-in for CuPy, so that a machine without a GPU can test the device switch.

`standin.cupy` behaves as CuPy does, on NumPy arrays it keeps to itself:

- only names and keywords that CuPy has (`tests/data/cupy_names.json`, recorded from CuPy itself);
- no implicit conversion to NumPy, no mixing with NumPy arrays: CuPy's own TypeErrors;
- reductions return 0-dim arrays, `x[0, 0]` a 0-dim view, indices wrap around instead of raising;
- NumPy's dispatch protocols as CuPy answers them: `np.exp(x)` works, `np.exp(x, where=m)` does not;
- two devices, each array on one of them; a memory pool with a limit; streams and events in name.

Stricter than CuPy in one thing: an index or a value given as a NumPy array, which CuPy copies to
the GPU in silence, is refused. `crossings` lists what went between host and device, and `asked`
every name and keyword that was used. A stream captures and replays (`graphs.py`).
"""

from minigrad.gpu.cublas import LIBRARIES
from tests.standin import array, clipping, cublas, graphs, operators
from tests.standin.devices import cuda, memory_pool
from tests.standin.journal import asked, crossings, launches
from tests.standin.modules import cupy, cupyx, special

__all__ = ["asked", "crossings", "cuda", "cupy", "cupyx", "launches", "memory_pool"]

LIBRARIES[cupy] = cublas.Library()
operators.complete(array.ndarray)
graphs.teach(cupy, cupyx, special)
