"""Embedders behind the protocol of `types.Embedder`; `registry.make` makes one from what a person writes ("e5", "onnx:FOLDER")."""
