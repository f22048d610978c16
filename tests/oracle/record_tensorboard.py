"""Records the events that PyTorch writes for TensorBoard: the bytes of each, without those that open the file.

    pip install torch==2.13.0 tensorboard && python tests/oracle/record_tensorboard.py

It rewrites `tests/data/tensorboard.json`; `tests/utils/test_tensorboard.py` makes the same calls. The pixels of images
are recorded decoded, because a PNG file may be packed in many ways.
"""

import json
import struct
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from torch.utils.tensorboard import SummaryWriter

CALLS = """
add_scalar('loss', 0.5, 3)
add_scalar('loss/of train', torch.tensor([2.25]), torch.tensor(300))
add_scalar('zero', 0)
add_scalar('before', np.float32(1), -2)
add_histogram('weights', torch.tensor([0.5, 2.0, 2.0]), 1)
add_histogram('counts', np.arange(5), 2, bins=4)
add_histogram('one', np.array([3.0]), bins=[0.0, 1.0, 2.0, 4.0, 8.0])
add_text('note', 'Größe', 1)
add_image('grey', torch.tensor([[0.0, 0.5], [1.0, 2.0]]), dataformats='HW')
add_image('colour', torch.arange(12.0).view(3, 2, 2) / 11, 1)
add_image('bytes', np.arange(12, dtype=np.uint8).reshape(2, 2, 3), 1, dataformats='HWC')
add_images('batch', torch.arange(10.0).view(10, 1, 1, 1) / 10, 1)
"""


def read_events(file):
    """The events of a file, as bytes."""
    data, at = file.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack("<Q", data[at : at + 8])
        yield data[at : at + length + 16]
        at += length + 16


def record(call):
    """What one call writes."""
    folder = Path(tempfile.mkdtemp())
    with SummaryWriter(folder) as writer:
        eval(f"writer.{call[:-1]}, walltime=1.5)", {"writer": writer, "torch": torch, "np": np})
    _, written = read_events(next(folder.iterdir()))
    (value,) = Event.FromString(written[12:-4]).summary.value
    if not value.HasField("image"):
        return written.hex()
    pixels = np.array(Image.open(BytesIO(value.image.encoded_image_string)))
    return [value.tag, value.image.height, value.image.width, value.image.colorspace, pixels.tolist()]


if __name__ == "__main__":
    made = {call: record(call) for call in CALLS.split("\n")[1:-1]}
    lines = ",\n".join(f"{json.dumps(call)}: {json.dumps(made[call], separators=(',', ':'))}" for call in made)
    (Path(__file__).parents[1] / "data" / "tensorboard.json").write_text("{\n" + lines + "\n}\n")
