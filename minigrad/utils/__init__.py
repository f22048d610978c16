"""Tools around the library: `data` loads and batches."""

from minigrad.utils import data as data
