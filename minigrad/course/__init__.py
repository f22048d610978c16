"""Tools of the course: exercises that are checked automatically, and the student's progress.

    from minigrad import course
    course.check("8.dw", my_function)

`check` checks an answer, `exercises` lists the questions, `progress` shows what is done. Teachers write questions
with `exercise` and `gradient_exercise`, and grade a folder with ``python -m minigrad.course grade``.
"""

from minigrad.course.gradients import Report, check_gradients
from minigrad.course.checking import check, exercises, explain
from minigrad.course.exercise import Exercise, exercise, gradient_exercise
from minigrad.course.progress import keep_progress, progress

__all__ = [
    "Exercise", "Report", "check", "check_gradients", "exercise", "exercises", "explain", "gradient_exercise",
    "keep_progress", "progress",
]  # fmt: skip
