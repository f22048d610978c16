"""The exercises of the course, chapter by chapter: each question with its solution."""

from minigrad.course.chapters import (
    chapter_1_to_4,
    chapter_5_to_7,
    chapter_8,
    chapter_9_to_12,
    chapter_11,
    chapter_13,
    chapter_14,
    chapter_15,
    chapter_16,
    chapter_17,
    chapter_18,
    chapter_19,
    chapter_20,
)
