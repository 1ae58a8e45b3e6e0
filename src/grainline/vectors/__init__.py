"""Vectors: distances, small storage, and index families behind one protocol (`types.VectorIndex`); `families.build` makes one."""
