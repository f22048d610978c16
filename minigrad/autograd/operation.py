"""The names of `recording.py` under the file's old name."""

from minigrad.autograd.messages import check_same_library, written_with_siblings
from minigrad.autograd.recording import Operation, Plan, Rule, operation, record, refresh

__all__ = ["Operation", "Plan", "Rule", "check_same_library", "operation", "record", "refresh", "written_with_siblings"]
