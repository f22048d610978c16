"""The course's own tools: exercises that say what is wrong with an answer, and what the student has done so far.

    from minigrad import course
    course.check("8.dw", my_function)

`check` looks at an answer, `exercises` lists the questions, `progress` what is done. Teachers write
questions with `exercise` and `gradient_exercise`, and grade a folder with ``python -m minigrad.course grade``.
"""

from minigrad.course.checker import Report, check_gradients
from minigrad.course.checking import check, exercises, explain
from minigrad.course.exercise import Exercise, exercise, gradient_exercise
from minigrad.course.progress import keep_progress, progress

__all__ = [
    "Exercise", "Report", "check", "check_gradients", "exercise", "exercises", "explain", "gradient_exercise",
    "keep_progress", "progress",
]  # fmt: skip
