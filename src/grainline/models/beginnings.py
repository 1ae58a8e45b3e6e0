"""How prompts begin, known to a model on this machine when it is first asked: task and examples are alike for all questions, so what
it knows after them is kept as a state in the user's cache, and the next process need not read them.

A state holds whole blocks of tokens, so what is written is the same with it and without (see `gguf_llm`).
"""

from __future__ import annotations

from contextlib import suppress

from grainline.errors import ModelError
from grainline.models.cache import cache_folder
from grainline.models.states import MEGABYTE, Key, Stateful, States
from grainline.types import LLM

#: inside the cache folder; the bytes of all states there, at most
FOLDER, MOST = "prompts", 200 * MEGABYTE
#: what stands for the document in the key of a state
PROMPT = "prompt"


def begin(model: LLM, text: str) -> None:
    """Let a model that has read nothing yet know how a prompt begins; whatever fails, it reads the prompt as it is."""
    if not isinstance(model, Stateful) or not model.is_fresh:
        return
    with suppress(ModelError, OSError):
        if not (tokens := model.begins(text)):
            return
        (folder := cache_folder() / FOLDER).mkdir(parents=True, exist_ok=True)
        states, key = States(folder, MOST), Key(PROMPT, text, model.state_identity, tokens)
        path, _ = states.find(key)
        if path:
            model.resume(tokens, path)
        else:
            states.put(key, lambda path: model.read(tokens, path))
