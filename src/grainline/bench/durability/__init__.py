"""Measuring that a library loses nothing: killed processes, crashes at every write, damaged bytes, full disks, readers beside a writer.

What is not simulated: a loss of power, which also takes what the system had not yet written; for that, SQLite's own tests of its log
with `synchronous=FULL` must stand.
"""
