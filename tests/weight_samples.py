"""Models in GGUF made on the spot, of random weights: what llama.cpp runs, too small to say anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

WIDTH = 32
#: of the chat template that a model without one is asked in
MARKS = ("<|im_start|>", "<|im_end|>")
#: which of the made models' characters are tokens of their own; others are their bytes
LETTERS = '▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!:{}"猫头鹰夜'


class Tensors:
    """A GGUF file of random weights, always the same, that is written when all stands in it."""

    def __init__(self, path: Path, kind: str, seed: int) -> None:
        gguf = pytest.importorskip("gguf", reason="gguf is not installed")
        self._random = np.random.default_rng(seed)
        self._file = gguf.GGUFWriter(str(path), kind)

    def _write(self) -> None:
        self._file.write_header_to_file()
        self._file.write_kv_data_to_file()
        self._file.write_tensors_to_file()
        self._file.close()

    def _some(self, name: str, *shape: int, scale: float = 0.3, end: str = "weight") -> None:
        self._file.add_tensor(f"{name}.{end}", (self._random.standard_normal(shape) * scale).astype(np.float32))

    def _ones(self, name: str, width: int) -> None:
        self._file.add_tensor(f"{name}.weight", np.ones(width, np.float32))


class Weights(Tensors):
    """A language model."""

    def __init__(self, path: Path, kind: str, seed: int, width: int = WIDTH, layers: int = 2) -> None:
        super().__init__(path, kind, seed)
        words = self._vocabulary()
        self._file.add_context_length(2048)
        self._file.add_embedding_length(width)
        self._file.add_block_count(layers)
        self._file.add_layer_norm_rms_eps(1e-5)
        self._some("token_embd", words, width, scale=1.0)
        self._ones("output_norm", width)
        self._some("output", words, width, scale=1.0)
        (self._llama if kind == "llama" else self._mamba)(width, layers)
        self._write()

    def _vocabulary(self) -> int:
        words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *LETTERS, *MARKS]
        self._file.add_tokenizer_model("llama")
        self._file.add_token_list(words)
        self._file.add_token_scores([0.0] * len(words))
        self._file.add_token_types([2, 3, 3, *[6] * 256, *[1] * len(LETTERS), *[3] * len(MARKS)])
        self._file.add_bos_token_id(1)
        self._file.add_eos_token_id(2)
        self._file.add_unk_token_id(0)
        self._file.add_add_space_prefix(False)  # what a grammar forces is written as it stands
        return len(words)

    def _llama(self, width: int, layers: int) -> None:
        self._file.add_feed_forward_length(2 * width)
        self._file.add_head_count(4)
        self._file.add_head_count_kv(2)
        self._file.add_rope_dimension_count(width // 4)
        for layer in range(layers):
            name = f"blk.{layer}"
            self._ones(f"{name}.attn_norm", width)
            self._ones(f"{name}.ffn_norm", width)
            for part, rows in (("q", width), ("k", width // 2), ("v", width // 2), ("output", width)):
                self._some(f"{name}.attn_{part}", rows, width)
            self._some(f"{name}.ffn_gate", 2 * width, width)
            self._some(f"{name}.ffn_up", 2 * width, width)
            self._some(f"{name}.ffn_down", width, 2 * width)

    def _mamba(self, width: int, layers: int, state: int = 16, rank: int = 4) -> None:
        inner = 2 * width
        self._file.add_feed_forward_length(0)
        self._file.add_head_count(0)
        self._file.add_ssm_conv_kernel(4)
        self._file.add_ssm_inner_size(inner)
        self._file.add_ssm_state_size(state)
        self._file.add_ssm_time_step_rank(rank)
        for layer in range(layers):
            name = f"blk.{layer}"
            self._ones(f"{name}.attn_norm", width)
            self._some(f"{name}.ssm_in", 2 * inner, width)
            self._some(f"{name}.ssm_conv1d", inner, 4)
            self._some(f"{name}.ssm_conv1d", inner, end="bias")
            self._some(f"{name}.ssm_x", rank + 2 * state, inner)
            self._some(f"{name}.ssm_dt", inner, rank)
            self._some(f"{name}.ssm_dt", inner, end="bias")
            slow = -np.arange(1, state + 1, dtype=np.float32) / 1000  # it remembers for hundreds of tokens
            self._file.add_tensor(f"{name}.ssm_a", np.tile(slow, (inner, 1)))
            self._file.add_tensor(f"{name}.ssm_d", np.ones(inner, np.float32))
            self._some(f"{name}.ssm_out", width, inner)


class Projector(Tensors):
    """A vision transformer whose patches a model of some width reads, as LLaVA 1.5 has it: 16 patches for a picture."""

    def __init__(self, path: Path, seed: int = 3, reads: int = WIDTH, width: int = 16, layers: int = 2, side: int = 56) -> None:
        super().__init__(path, "clip", seed)
        self._file.add_bool("clip.has_vision_encoder", True)
        self._file.add_string("clip.projector_type", "mlp")
        self._file.add_bool("clip.use_gelu", True)
        patch, heads = 14, 2
        for name, value in (
            ("image_size", side),
            ("patch_size", patch),
            ("embedding_length", width),
            ("feed_forward_length", 2 * width),
            ("projection_dim", reads),
            ("block_count", layers),
            ("attention.head_count", heads),
        ):
            self._file.add_uint32(f"clip.vision.{name}", value)
        self._file.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
        for name in ("image_mean", "image_std"):
            self._file.add_array(f"clip.vision.{name}", [0.5] * 3)
        self._file.add_tensor("v.class_embd", self._random.standard_normal(width).astype(np.float32))
        self._some("v.patch_embd", width, 3, patch, patch)
        self._some("v.position_embd", (side // patch) ** 2 + 1, width)
        self._norm("v.pre_ln", width)
        for layer in range(layers):
            name = f"v.blk.{layer}"
            for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
                self._linear(f"{name}.{part}", width, width)
            self._norm(f"{name}.ln1", width)
            self._norm(f"{name}.ln2", width)
            self._linear(f"{name}.ffn_up", 2 * width, width)
            self._linear(f"{name}.ffn_down", width, 2 * width)
        self._linear("mm.0", reads, width, 1.0)
        self._linear("mm.2", reads, reads, 1.0)
        self._write()

    def _norm(self, name: str, width: int) -> None:
        self._ones(name, width)
        self._some(name, width, end="bias")

    def _linear(self, name: str, rows: int, width: int, scale: float = 0.3) -> None:
        self._some(name, rows, width, scale=scale)
        self._some(name, rows, end="bias")
