"""The settings of the whole library, which one test must not leave changed for the next one.

A measured machine, for one, decides by which algorithm later convolutions are computed, and so their last digits.
"""

import sys

from minigrad import threads
from minigrad.autograd import core, saved

OF_MODULES = {
    "minigrad.advice": ["_enabled"],
    "minigrad.distributed.agreement": ["_level"],
    "minigrad.dtypes": ["_default"],
    "minigrad.hub": ["_chosen"],
    "minigrad.kernels.dispatch": ["_machine", "_trial"],
    "minigrad.multiprocessing": ["_strategy"],
    "minigrad.printing": ["options"],
    "minigrad.settings": ["_determinism", "_precision", "_warn_only"],
}
OF_CONTEXTS = [core.mode, saved._hooks, saved._disabled, saved._copying]


def read_settings():
    """Every setting by its name; those of modules that no test has imported yet are left out."""
    loaded = {module: names for module, names in OF_MODULES.items() if module in sys.modules}
    found = {(module, name): getattr(sys.modules[module], name) for module, names in loaded.items() for name in names}
    found |= {variable: variable.get() for variable in OF_CONTEXTS}
    return found | {"number of threads": threads.get_count()}


def restore_settings(before):
    """Sets everything as `before` again; lists what had changed, with the value that it had now."""
    now, changed = read_settings(), []
    for setting, value in before.items():
        if now[setting] == value:
            continue
        changed.append(f"{setting}: {now[setting]!r}")
        if isinstance(setting, tuple):
            setattr(sys.modules[setting[0]], setting[1], value)
        elif isinstance(setting, str):
            threads.set_count(value)
        else:
            setting.set(value)
    return changed
