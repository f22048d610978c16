"""Tools around the library: `data` loads and batches."""
