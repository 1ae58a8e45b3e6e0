"""One file a paradigm. An agent is found by its entry point in the group `grainline.agents`, ours like anybody else's.

An entry point names a class that is made with a `Snapshot` and has `name` and `retrieve` (see `types.Agent`).
"""
