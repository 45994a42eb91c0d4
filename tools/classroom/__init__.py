"""Grading a class: what tools/grade.py and tools/report.py are made of; docs/instructors.md is their guide.

- :mod:`uploads`: whose file is it, and which of several? From a folder as a learning platform leaves it.
- :mod:`notebooks`: reading what somebody handed in, and saying what it is.
- :mod:`one`: one submission from bytes to a graded notebook; plain data in, plain data out, no gradebook.
- :mod:`pool`: many of them at once, each worker in a process of its own.
- :mod:`book`: the one place that writes: gradebook, files, tables.
- :mod:`page`: the feedback page of one learner.
"""
