"""Tables as a source of their own: what is known of their columns and cells, and SQL over them that can only read.

`catalog` says which tables an asker sees, `values` in which cells a word of the question stands, `engine` runs a statement. Nothing is
copied when files are added: rows come from the library's text, or from the SQLite file in its place, when a question needs them.
"""
