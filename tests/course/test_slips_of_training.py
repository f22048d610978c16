"""check: mistakes with weight decay, dropout, frozen parameters and groups of an optimizer are named."""

import pytest

from minigrad.nn import Module
from tests.course.asking import ask


def group(of, lr):
    return {"params": of.parameters(), "lr": lr}


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("19.decay", lambda w, gradient, lr, decay: w * (1 - decay) - lr * gradient, "learning rate multiplies"),
        ("19.dropout", lambda X, keep, p: X.where(keep > 0, 0 * X), "what stays is divided by 1 - p"),
        ("19.trained", lambda net: len([p for p in net.parameters() if p.requires_grad]), "a tensor holds numel()"),
        ("19.groups", lambda body, head, lr: group(body, lr), "list of dicts is wanted"),
        ("19.groups", lambda body, head, lr: [body, head], "list of dicts is wanted"),
        ("19.groups", lambda body, head, lr: [{"parameters": body.parameters()}], "group has the keys"),
        ("19.groups", lambda body, head, lr: [{}], 'has the keys "params" and "lr"; got none'),
        ("19.groups", lambda body, head, lr: [{"params": head, "lr": lr}], "not the network: call its parameters()"),
        ("19.groups", lambda body, head, lr: [{"params": head.parameters, "lr": lr}], "was not called: parameters()"),
        ("19.groups", lambda body, head, lr: [group(head, lr)], "parameters of the body are in no group"),
        (
            "19.groups",
            lambda body, head, lr: [group(head, lr), {"params": [body[0].weight], "lr": lr / 10}],
            "parameters of the body are in no group, so they are never trained",
        ),
        ("19.groups", lambda body, head, lr: [group(body, lr), group(head, lr)], "have the same rate"),
        ("19.groups", lambda body, head, lr: [group(body, lr), group(head, lr / 10)], "body has the larger rate"),
        ("19.groups", lambda body, head, lr: [group(body, lr), group(head, lr * 10)], "rate is lr, here 0.5; got 5"),
        ("19.groups", lambda body, head, lr: [group(body, 0.1), group(head, lr)], "here 0.05; got 0.1"),
    ],
)  # fmt: skip
def test_a_mistake_in_training_is_named(capsys, name, answer, words):
    solved, text = ask(capsys, name, answer)
    assert not solved and words in text


def test_groups_may_come_in_any_order_and_as_lists(capsys):
    def answer(body: Module, head: Module, lr: float):
        return group(head, lr), {"lr": 0.1 * lr, "params": [*body.parameters()]}

    assert ask(capsys, "19.groups", answer) == (True, "19.groups: right.\n")


def test_a_frozen_layer_is_marked_where_the_case_is_shown(capsys):
    _, text = ask(capsys, "19.trained", lambda net: 0)
    assert "For net = Sequential(Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1)) (frozen), ReLU()," in text
