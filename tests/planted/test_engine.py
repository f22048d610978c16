"""Mutation tests: a mistake is planted in one line of the running engine, and a named test must then fail.

A row gives the function, a part of its text, what that part becomes, and the test. If the text is no longer in the
function, the row is out of date, which is an error, too.
"""

import contextlib
import inspect
import textwrap
from importlib import import_module

import pytest

from minigrad import devices, passes, variants
from minigrad.autograd import (
    anomaly,
    derivatives,
    function_node,
    gradients,
    inspection,
    joint,
    leaf_hooks,
    leaves,
    modes,
    node,
    recording,
    views,
    walk,
)
from minigrad.ops import index, inplace, recurrence
from minigrad.tensor.graph import GraphMethods
from tests import test_func
from tests.autograd import (
    test_anomaly,
    test_core,
    test_function,
    test_functional,
    test_gradcheck,
    test_gradients,
    test_inspection,
    test_joint,
    test_leaf_hooks,
    test_leaves,
    test_modes,
    test_node,
    test_walk,
)
from tests.conftest import install_stand_in, make_tensors_on
from tests.gpu import test_elementwise
from tests.marks import mark
from tests.ops import test_index, test_recurrence, test_setitem
from tests.planted.test_gradient_rules import find_operations

# By its name in full: `minigrad.autograd.gradcheck` is also a function.
gradcheck = import_module("minigrad.autograd.gradcheck")

OPERATIONS = find_operations()


def compile_spoilt(target, old, new):
    """The code of `target`, compiled with `old` replaced by `new`."""
    text = textwrap.dedent(inspect.getsource(target))
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {target.__qualname__}"
    scope = dict(target.__globals__)
    text = "from __future__ import annotations\n" + text.replace(old, new)
    exec(compile(text, f"<{target.__qualname__}, spoilt>", "exec"), scope)
    return inspect.unwrap(scope[target.__name__]).__code__


def run_with_stand_in(test):
    """Runs a test that chooses the devices of its tensors itself."""
    with install_stand_in() as cupy, pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "_default_device", devices.CPU)
        test(cupy)


def run_on_stand_in(test):
    """Runs any other test with all its tensors on the stand-in."""
    with install_stand_in(), pytest.MonkeyPatch.context() as patch:
        make_tensors_on("cuda", patch)
        test()


@contextlib.contextmanager
def plant(target, old, new):
    """Within, `target` has the mistake, also for those that imported it before."""
    target = inspect.unwrap(target)  # without its decorators
    right = target.__code__
    target.__code__ = compile_spoilt(target, old, new)
    forget_plans()
    try:
        yield
    finally:
        target.__code__ = right
        forget_plans()


def forget_plans():
    """Clears what operations remember of calls, and the walk of shapes: it was computed by the other code."""
    for known in OPERATIONS:
        known.plans = {}
    walk.repeated_axes.cache_clear()


def fails(check):
    try:
        check()
    except NameError:
        raise  # the row itself is wrong
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 (any failure counts)
        return True
    return False


def check_broadcasting():
    test_walk.test_a_gradient_is_summed_over_repeated_axes((3,), (2, 3))
    test_walk.test_a_gradient_is_summed_over_repeated_axes((2, 1), (2, 3))
    test_walk.test_a_gradient_is_summed_over_repeated_axes((2, 1), (4, 2, 3))


def check_long_chain():
    test_walk.test_a_chain_of_100_000_operations_needs_no_recursion()


def check_writes():
    for program in test_setitem.PROGRAMS:
        test_setitem.test_programs_that_write_pass_gradgradcheck(program)


def check_mistake(name):
    return lambda: test_gradcheck.test_a_mistake_is_found_and_named(name, "full")


FIT, ADD, RECEIVE = walk.fit, walk.Arrivals.add, walk.Arrivals.receive
SAVED = node.Node.saved_values
PLANTED = {
    # ---- un-broadcasting and types
    "sums over no axis": (
        walk.unbroadcast, "passes.add_up(gradient, axes, None, keepdims)", "gradient.max(axes, None, keepdims)",
        check_broadcasting,
    ),
    "sums over no axis of a GPU's": (
        walk.unbroadcast, "gradient.sum(axis=axes, keepdims=keepdims)", "gradient.max(axis=axes, keepdims=keepdims)",
        lambda: run_on_stand_in(check_broadcasting),
    ),
    "forgets the new axes in front": (
        walk.repeated_axes, "*range(extra)", "*range(0)", check_broadcasting
    ),
    "sums over axes of length 1 only": (
        walk.repeated_axes, "if n == 1 != have[i + extra]", "if n == 1 == have[i + extra]", check_broadcasting
    ),
    "leaves a rule's error as it is": (
        node.Node.vjp, "raise name_the_rule(error, self, create_graph)", "raise error",
        lambda: test_walk.test_a_mask_that_was_changed_through_data_is_refused_with_the_operations_name(
            lambda x, mask: x[mask]
        ),
    ),
    "takes any shape": (
        leaves.undo_unsqueeze, "raise invalid_gradient(node, shape, have)", "return gradient",
        test_walk.test_a_gradient_that_does_not_fit_names_the_operation,
    ),
    "leaves the dtype as it comes": (
        FIT, "gradient.astype(target.dtype)", "gradient",
        test_walk.test_a_gradient_takes_its_tensors_dtype,
    ),
    # ---- accumulation and ownership
    "the second gradient replaces the first": (
        ADD, "passes.add_arrays(waiting, gradient, waiting if edge in self.owned else own)", "gradient",
        test_walk.test_a_gradient_that_two_operands_share_is_not_added_into,
    ),
    "the third gradient replaces the others": (
        ADD, "passes.add_arrays(", "gradient if edge in self.owned else passes.add_arrays(",
        test_walk.test_a_hook_sees_the_whole_gradient_once,
    ),
    "the second gradient replaces the first on a GPU": (
        passes.add_arrays, "KERNELS.get(np.add, np.add)(total, more,", "np.add(0 * total, more,",
        lambda: run_on_stand_in(test_walk.test_a_gradient_that_two_operands_share_is_not_added_into),
    ),
    "borrowed gradients are added into": (
        RECEIVE, " or gradient is cotangent or gradient.base is not None", "",
        test_walk.test_a_gradient_that_two_operands_share_is_not_added_into,
    ),
    "leaves get what is borrowed": (
        walk.Arrivals.take, "gradient = leaves.copy_as_leaf_lies(gradient, leaf)", "pass",
        test_walk.test_no_gradients_share_memory,
    ),
    "what a hook saw is added into": (
        leaves.show_to_hooks, "owned and not seen", "owned", test_walk.test_a_gradient_stored_by_a_hook_is_not_modified
    ),
    "interior results are borrowed": (
        walk.walk, "cotangent if create_graph else copy_array(cotangent)", "cotangent",
        test_gradients.test_grad_of_a_tensor_with_respect_to_itself_is_its_cotangent,
    ),
    "walks below what is asked for": (
        walk.walk, "if route is not None and route.isdisjoint(node.edges):", "if False:",
        test_gradients.test_grad_does_not_need_the_graph_below_its_inputs,
    ),
    "a frozen leaf gets a gradient": (
        leaves.show_to_hooks, "if leaf.node is None:", "if False:",
        test_leaves.test_a_leaf_frozen_after_the_forward_gets_no_grad,
    ),
    "a second backward replaces .grad": (
        gradients.accumulate, "quiet(np.add, before.array, gradient, before.array)",
        "leaf.gradient = wrap(gradient)", test_leaves.test_a_second_backward_adds_in_place,
    ),
    "create_graph hands one gradient to all": (
        gradients.accumulate, "leaves.copy_in_graph(gradient, leaf) if", "gradient if",
        test_walk.test_no_gradients_share_memory_with_create_graph,
    ),
    "a leaf is served before its last gradient": (
        leaf_hooks.find_last_users, "-node.order", "node.order",
        test_leaf_hooks.test_hooks_of_a_leaf_used_many_times_run_once_and_in_order,
    ),
    "a leaf that waits is served last": (
        leaf_hooks.find_last_users, "last[edge] = node", "pass",
        test_leaf_hooks.test_a_hook_runs_as_soon_as_the_gradient_is_complete,
    ),
    "the walk's calls in a traceback": (
        gradients.walk_silently, "messages.leave_out_walk(error)", "error",
        test_gradients.test_the_traceback_of_an_error_in_a_walk_leaves_out_the_engines_calls,
    ),
    "hooks that wait record": (
        gradients.walk_silently, "flags & ~GRAD", "flags | GRAD",
        test_walk.test_a_hook_records_only_under_create_graph,
    ),
    "retain_grad keeps what is borrowed": (
        GraphMethods.retain_grad, "gradient.clone() if", "gradient if",
        test_walk.test_no_gradients_share_memory,
    ),
    "a Function lends one gradient twice": (
        function_node.FunctionNode.vjp, "r.array.view()", "r.array",
        lambda: test_function.test_grads_of_two_operands_do_not_share_one_returned_tensor(lambda g: g * 1),
    ),
    # ---- order and pruning
    "oldest first": (
        RECEIVE, "heappush(self.newest, (-edge.order, edge))", "heappush(self.newest, (edge.order, edge))",
        test_walk.test_each_node_runs_after_all_that_feed_it,
    ),
    "walks everywhere": (
        node.Node.vjp, "wanted is None or edge in wanted", "True",
        test_gradients.test_only_the_rules_of_wanted_gradients_run,
    ),
    "rules as they are written on a GPU": (
        variants.adapt_rules, "KERNELS.get(rule, rule)", "rule",
        lambda: run_with_stand_in(test_elementwise.test_each_operation_and_each_rule_is_one_launch),
    ),
    "gradients for all operands": (
        node.Plan.__init__, "if rule and needed >> i & 1", "if rule",
        test_core.test_next_functions_lead_to_the_leaves,
    ),
    # ---- what nodes keep
    "all operands are saved": (
        node.Plan.__init__, "[i for i, name in enumerate(names) if name in read]", "range(len(names))",
        test_node.test_an_operand_without_gradient_is_not_saved,
    ),
    "nothing is freed": (
        node.Node.free, "self.saved_operands, self.constants = None, ()", "pass",
        test_node.test_saved_values_are_freed_by_backward,
    ),
    "a freed graph is walked again": (
        SAVED, "raise freed(self.name())", "return [1.0] * 9",
        test_gradients.test_retain_graph_allows_another_backward,
    ),
    # ---- versions
    "saved operands are not checked": (
        SAVED, "elif x.writes[0] == version:", "elif True:",
        test_node.test_backward_refuses_a_saved_operand_that_was_written_to,
    ),
    "saved results are not checked": (
        SAVED, "if writes[0] != then:", "if False:",
        test_node.test_backward_refuses_a_saved_result_that_was_written_to,
    ),
    "views count for themselves": (
        recording.Operation.call_view, "None, operand.writes)", "None)",
        lambda: test_core.test_a_write_through_any_alias_is_noticed(lambda y: y.T.mul_(2.0)),
    ),
    "detached tensors count for themselves": (
        GraphMethods.detach, "wrap(self.array, writes=self.writes)", "wrap(self.array)",
        lambda: test_core.test_a_write_through_any_alias_is_noticed(lambda y: y.detach().zero_()),
    ),
    "writes are not counted": (
        inplace.assign, "target.writes[0] += 1", "pass",
        test_node.test_backward_refuses_a_saved_result_that_was_written_to,
    ),
    "leaves may be written to": (
        inplace.check_writable, "if target.node is LEAF:", "if False:",
        lambda: test_index.test_refused("into a leaf"),
    ),
    # ---- views and writes
    "views are never brought up to date": (
        views.refresh, "if link is None or link.seen == view.writes:", "if True:",
        test_setitem.test_views_follow_writes_in_value_and_gradient,
    ),
    "a write does not reach the base": (
        inplace.move_on, "root, seen = steps_to(target)", "root, seen = target, []", check_writes
    ),
    "the old value is not kept": (
        inplace.keep_old_value, "old.node = target.node", "pass", check_writes
    ),
    "elements read twice collect one gradient": (
        index._put_forward, "np.add.at(whole.reshape(-1),", "np.put(whole.reshape(-1),",
        lambda: test_index.test_reading_passes_gradgradcheck("rows, one twice"),
    ),
    "elements read twice collect one gradient on a GPU": (
        index._put_forward, "xp.add.at(whole, key, g)", "whole[key] = g",
        lambda: run_on_stand_in(lambda: test_index.test_reading_passes_gradgradcheck("rows, one twice")),
    ),
    # ---- higher orders
    "the saved result is a constant": (
        node.Node._lift, "lifted[0].node = self", "pass",
        test_node.test_a_rule_that_reads_its_result_is_differentiable_again,
    ),
    "create_graph saves operands as constants": (
        SAVED, "values.append(x if create_graph else x.array)", "values.append(x.array)",
        lambda: test_core.test_each_derivative_of_a_power_is_that_on_paper(2),
    ),
    "create_graph obeys no_grad": (
        gradients.walk_silently, "flags | GRAD", "flags",
        test_gradients.test_create_graph_records_under_no_grad,
    ),
    "create_graph frees the graph": (
        gradients.walk_silently, "create_graph or flags & KEEP", "flags & KEEP",
        test_gradients.test_create_graph_retains_the_graph,
    ),
    # ---- hooks and modes
    "what a hook returns is ignored": (
        inspection.run_hooks, "if changed is not None:", "if False:",
        test_leaves.test_a_hook_on_a_leaf_changes_its_gradient,
    ),
    "a write of a hook reaches a leaf": (
        walk.walk, "leaves.separate(arrivals.borrowers, arrivals.pending)", "pass",
        lambda: test_inspection.test_a_write_of_a_results_hook_leaves_the_leaf_beside_it_alone([2.0]),
    ),
    "hooks run in the order of their handles' removal": (
        inspection.run_hooks, "in hooks.values()", "in list(hooks.values())[::-1]",
        test_walk.test_hooks_run_in_order_and_each_sees_the_one_before,
    ),
    "a mode is not restored": (
        modes.ModeSwitch.__exit__, "mode.set((mode.get() & ~own) | (self._before.pop() & own))", "self._before.pop()",
        test_modes.test_modes_are_context_managers,
    ),
    "recorded under no_grad": (
        recording.Operation.call, "if not (flags := mode.get()) & GRAD:", "if not (flags := 1):",
        test_modes.test_modes_are_context_managers,
    ),
    # ---- what is built on it
    "anomaly mode looks at no gradient": (
        anomaly.check_gradients, "raise RuntimeError(", "str(",
        test_anomaly.test_a_nan_in_the_backward_raises_with_the_line_of_the_forward,
    ),
    "a Function's results share one gradient": (
        function_node.FunctionNode.split, "arrived.get(i)", "arrived.get(0)",
        test_function.test_a_function_whose_results_meet_again_runs_backward_once,
    ),
    "a Function's saved tensors are not checked": (
        function_node.Kept.read, "self.writes[0] == self.version", "True",
        test_function.test_saved_tensors_are_checked_for_writes_and_freed,
    ),
    "gradcheck looks at nothing": (
        gradcheck.check_jacobian, "trial.rtol, trial.atol", "0.0, np.inf",
        check_mistake("the sign"),
    ),
    "gradcheck's cotangents are ones": (
        gradcheck.Trial.__init__, "draw.standard_normal(", "np.ones(",
        lambda: check_a_permutation(),
    ),
    "jvp without its direction": (
        derivatives.push, "strict), tangents,", "strict), [v * 0 + 1 for v in tangents],",
        test_functional.test_jvp_is_the_jacobian_times_the_tangent,
    ),
    "what a function closes over is forgotten": (
        derivatives.reaches_beyond, "return True", "pass",
        lambda: test_func.test_tensors_that_the_inner_function_closes_over_are_differentiated(
            test_func.CLOSING_OVER_X["grad"]
        ),
    ),
    "a Jacobian by inputs is left transposed": (
        derivatives.jacobian_by_inputs, "_turn(transposed[i][k], x.ndim)", "transposed[i][k]",
        test_functional.test_forward_mode_gives_the_same_jacobian,
    ),
    # ---- gradients that one function computes, and recurrences
    "unwanted operands shift the gradients of a joint rule": (
        joint.JointNode.vjp, "_compute(gradients[i])", "_compute(gradients[0])",
        test_joint.test_one_call_gives_the_gradients_of_all_operands,
    ),
    "a joint rule runs once for each operand": (
        joint.JointNode.vjp, "is not plan.operation.parts", "is plan.operation.parts",
        test_joint.test_one_call_gives_the_gradients_of_all_operands,
    ),
    "what a later step sends back is lost": (
        recurrence.Path.walk_back, "gradient = gradient + later", "pass",
        lambda: test_recurrence.test_states_go_from_row_to_row_of_their_sequence((2, 2, 2), False),
    ),
    "sequences that end early get no gradient from later steps": (
        recurrence.Path.walk_back, "gradient[: later.shape[0]] + later", "gradient[: later.shape[0]]",
        lambda: test_recurrence.test_states_go_from_row_to_row_of_their_sequence((3, 2, 2, 1), False),
    ),
    "the starts of sequences that begin later stand in the wrong order": (
        recurrence.Path.walk_back, "begun[::-1]", "begun",
        lambda: test_recurrence.test_states_go_from_row_to_row_of_their_sequence((3, 2, 2, 1), True),
    ),
}  # fmt: skip


def check_a_permutation():
    """A cotangent of ones would not show a gradient whose elements are in the wrong order."""
    function, inputs, words = test_gradcheck.MISTAKES["a transpose"]
    with pytest.raises(gradcheck.GradcheckError, match=words):
        gradcheck.gradcheck(function, inputs, fast_mode=True)


OF_NUMPY = {  # each has a second row, "... on a GPU", for the line that computes CuPy's arrays
    "sums over no axis", "the second gradient replaces the first", "elements read twice collect one gradient",
}  # fmt: skip


@pytest.mark.parametrize("name", mark(PLANTED, pytest.mark.cpu("the line computes NumPy's arrays alone"), OF_NUMPY))
def test_a_planted_mistake_is_found(name):
    target, old, new, check = PLANTED[name]
    check()
    with plant(target, old, new):
        assert fails(check)
    check()


def test_the_long_chain_is_longer_than_pythons_recursion_limit():
    """So a walk that recurses would fail in it."""
    import sys

    assert sys.getrecursionlimit() < 100_000
    check_long_chain()
