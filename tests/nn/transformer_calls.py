"""The arguments of the calls in transformers.txt; the script that records PyTorch's answers imports this file too."""


def make_arguments(torch):
    """The functions that the lines of transformers.txt call, for one of both libraries."""

    def waves(shape, shift):
        count = 1
        for length in shape:
            count *= length
        return torch.cos(torch.arange(count, dtype=torch.float64) + shift).reshape(shape)

    def x(*shape):
        return waves(shape, len(shape) + shape[0]).requires_grad_()

    def hide(*shape):
        mask = waves(shape, 1.0) > 0.4
        mask[..., 0] = False  # each query may attend to one key at least
        return mask

    def add(*shape):
        return waves(shape, 2.0)

    def same(x):
        return {"query": x, "key": x, "value": x}

    def causal(length):
        return torch.full((length, length), -torch.inf, dtype=torch.float64).triu(1)

    return {"x": x, "hide": hide, "add": add, "same": same, "causal": causal}


def run_line(torch, line):
    """The results of the layer of a line, and the gradients of its inputs and its parameters."""
    layer, given = [eval(part, {"nn": torch.nn, **make_arguments(torch)}) for part in line.split(" @ ")]
    layer.double()
    count = 0
    for tensor in layer.parameters():
        numbers = torch.arange(count, count + tensor.numel(), dtype=torch.float64)
        tensor.data = torch.sin(numbers + 1).reshape(tensor.shape)
        count += tensor.numel()
    made = layer(**given)
    results = [y for y in (made if isinstance(made, tuple) else (made,)) if y is not None]
    weighted = sum((y * torch.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape)).sum() for y in results)
    inputs = {id(v): v for v in given.values() if isinstance(v, torch.Tensor) and v.requires_grad}
    return results, torch.autograd.grad(weighted, [*inputs.values(), *layer.parameters()])
