"""The library on disk: one SQLite file is the only truth.

`database` opens it and translates its errors, `seal` checks what is read, `records` turns documents into rows and back, `snapshot`
reads one consistent state, `writer` changes it in atomic steps.
"""
