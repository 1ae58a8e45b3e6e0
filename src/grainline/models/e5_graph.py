"""The encoder as an ONNX graph of 8-bit products whose every row is computed by itself.

An encoder in 8 bits usually takes the scale of its activations from the whole batch, so that a text's vector changes with the
texts beside it. Here the scales are constants, measured once (`e5_ranges.json`), and a row of tokens meets no other row but in the
attention of its own text. What made constants possible is that the few huge activations of this model (60 and more where the rest
stays under 4) sit in the same channels, at the first and the last token of every text:

- a large channel behind a normalisation is damped before it is rounded, and its weights are raised as much (SmoothQuant,
  arXiv 2211.10438, for the few channels that need it);
- a large channel inside the feed-forward part is given again in copies shifted by one range each. Rounding cuts each copy at the
  range, and the sum of the copies is the large value (as outlier channel splitting, arXiv 1901.09504, but for activations).

Weights are rounded to 7 bits of the 8: the products of two neighbours then fit in 16 bits, and processors without VNNI, which
add them up there, count exactly what the others count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.models.e5_weights import Floats, Weights

OPSET, IR_VERSION = 18, 9
CONTRIB = "com.microsoft"
MARGIN = 1.25  #: of the measured ranges, for texts that go beyond those measured
LARGEST_WEIGHT = 63
COPIES_MULTIPLE = 16  #: columns are added in such steps, which products like
#: what is measured of each layer: the inputs of its four products
INPUTS = ("attention", "context", "inner", "outer")

Ranges = Mapping[str, Any]


class Graph:
    """Nodes and constants as they are added; each method returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        """A constant of that name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        """What an operator makes of its inputs."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def normalised(self, x: str, name: str, weights: Weights, tensor: str) -> str:
        """Layer normalisation with the weights of `tensor`."""
        scale = self.constant(f"{name}.scale", weights.vector(f"{tensor}.w"))
        shift = self.constant(f"{name}.shift", weights.vector(f"{tensor}.b"))
        return self.node("LayerNormalization", [x, scale, shift], name, axis=-1, epsilon=weights.sizes.epsilon)

    def rounded(self, x: str, name: str, low: float, high: float) -> tuple[str, str, str]:
        """`x` in 8 bits over [low, high], and its scale and the number that stands for nought."""
        step = (high - low) / 255
        scale = self.constant(f"{name}.step", np.float32(step))
        nought = self.constant(f"{name}.nought", np.uint8(round(-low / step)))
        return self.node("QuantizeLinear", [x, scale, nought], f"{name}.rounded"), scale, nought

    def product(self, x: tuple[str, str, str], name: str, weight: Floats, bias: Floats) -> str:
        """`x @ weight + bias` in whole numbers, a scale for each column."""
        steps = np.maximum(np.abs(weight).max(0), 1e-6) / LARGEST_WEIGHT
        rounded = np.round(weight / steps).astype(np.int8)
        inputs = [
            x[0],
            self.constant(f"{name}.weight", rounded),
            x[1],
            self.constant(f"{name}.steps", np.float32(steps)),
            x[2],
            "",
        ]
        return self.node("MatMulIntegerToFloat", [*inputs, self.constant(f"{name}.bias", np.float32(bias))], name, CONTRIB)

    def exact(self, x: str, name: str, weight: Floats, bias: Floats) -> str:
        """The same in 32 bits."""
        y = self.node("MatMul", [x, self.constant(f"{name}.weight", weight)], f"{name}.product")
        return self.node("Add", [y, self.constant(f"{name}.bias", bias)], name)


def encoder_graph(weights: Weights, ranges: Sequence[Ranges] | None) -> Any:
    """The model (`onnx.ModelProto`): "x" of shape (texts, tokens, width), embeddings with positions, to "y" of the same shape.

    Texts of a batch are of one length; nothing is padded. Without `ranges` it is in 32 bits and also gives the inputs of its
    products, as `layer.NAME` of `INPUTS`, so that ranges can be measured.
    """
    from onnx import TensorProto, helper

    graph = Graph()
    graph.normalised("x", "0.attention", weights, "emb.ln")
    for layer in range(weights.sizes.layers):
        _layer(graph, layer, weights, ranges[layer] if ranges else None)
    names = ["y"] if ranges else ["y", *(f"{layer}.{name}" for layer in range(weights.sizes.layers) for name in INPUTS)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["texts", "tokens", weights.sizes.width])]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names]
    made = helper.make_graph(graph.nodes, "e5", inputs, outputs, graph.constants)
    sets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(made, opset_imports=sets, ir_version=IR_VERSION)


def _layer(graph: Graph, layer: int, weights: Weights, ranges: Ranges | None) -> None:
    """From "LAYER.attention", which is there, to that of the next one, or to "y"."""
    width, inner, own = weights.sizes.width, weights.sizes.inner, f"l{layer}."

    def tensors(name: str, rows: int) -> tuple[Floats, Floats]:
        return weights.matrix(f"{own}{name}.w", rows).T, weights.vector(f"{own}{name}.b")

    x = f"{layer}.attention"
    queries_keys_values = [tensors(name, width) for name in "qkv"]
    names = [f"{layer}.{name}" for name in ("queries", "keys", "values")]
    parts = _products(graph, x, names, queries_keys_values, ranges and ranges["attention"])
    context = graph.node("MultiHeadAttention", parts, f"{layer}.context", CONTRIB, num_heads=weights.sizes.heads)
    (y,) = _products(graph, context, [f"{layer}.mixed"], [tensors("ao", width)], ranges and ranges["context"])
    x = graph.normalised(graph.node("Add", [y, x], f"{layer}.attended"), f"{layer}.inner", weights, f"{own}aln")

    into, back = tensors("fi", inner), tensors("fo", width)
    if ranges:
        into, back = with_copies(into, back, ranges["outer"])
    (y,) = _products(graph, x, [f"{layer}.wide"], [into], ranges and ranges["inner"])
    y = graph.node("Gelu", [y], f"{layer}.outer", CONTRIB)
    (y,) = _products(graph, y, [f"{layer}.narrow"], [back], ranges and ranges["outer"])
    after = "y" if layer + 1 == weights.sizes.layers else f"{layer + 1}.attention"
    graph.normalised(graph.node("Add", [y, x], f"{layer}.added"), after, weights, f"{own}oln")


def _products(
    graph: Graph, x: str, names: Sequence[str], matrices: Sequence[tuple[Floats, Floats]], ranges: Ranges | None
) -> list[str]:
    """`x` times each matrix; in whole numbers where ranges are known."""
    if ranges is None:
        return [graph.exact(x, name, weight, bias) for name, (weight, bias) in zip(names, matrices, strict=True)]
    damping = np.ones(matrices[0][0].shape[0], np.float32)
    if large := ranges.get("damped"):
        damping[[int(channel) for channel in large]] = list(large.values())
        damped = graph.constant(f"{names[0]}.damping", 1 / damping)
        rounded_from = graph.node("Mul", [x, damped], f"{names[0]}.damped")
    else:
        rounded_from = x
    rounded = graph.rounded(rounded_from, names[0], ranges["low"] * MARGIN, ranges["high"] * MARGIN)
    return [
        graph.product(rounded, name, weight * damping[:, None], bias)
        for name, (weight, bias) in zip(names, matrices, strict=True)
    ]


def with_copies(
    into: tuple[Floats, Floats], back: tuple[Floats, Floats], ranges: Ranges
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """The two matrices of a feed-forward part with shifted copies of the channels in `ranges["peaks"]`, each with its peak.

    With a range R, a value v of such a channel is cut(v) + cut(v - R) + cut(v - 2R) + ..., where cut keeps [0, R]: behind Gelu, which
    leaves large values as they are, the copies need no more than another bias.
    """
    reach = ranges["high"] * MARGIN
    copies = [
        (int(channel), step)
        for channel, peak in ranges["peaks"].items()
        for step in range(1, int(np.ceil(peak * MARGIN / reach)))
    ]
    (wide, wide_bias), (narrow, narrow_bias) = into, back
    if not copies:
        return into, back
    channels = [channel for channel, _ in copies]
    blank = -len(copies) % COPIES_MULTIPLE
    shifts = np.array([step * reach for _, step in copies], np.float32)
    wide = np.concatenate([wide, wide[:, channels], np.zeros((len(wide), blank), np.float32)], 1)
    wide_bias = np.concatenate([wide_bias, wide_bias[channels] - shifts, np.zeros(blank, np.float32)])
    narrow = np.concatenate([narrow, narrow[channels], np.zeros((blank, narrow.shape[1]), np.float32)])
    return (wide, wide_bias), (narrow, narrow_bias)
