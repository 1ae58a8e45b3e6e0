"""The routing set: questions over named libraries, each with the agents that can answer it and what its answer holds.

`questions.jsonl` is the set, `questions` reads it and judges answers by it, `libraries` makes the libraries that it is asked of.
"""
