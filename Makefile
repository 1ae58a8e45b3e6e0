PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEANING_SETS ?= $(addprefix ../shared/data/,musique 2wikimultihopqa_hipporag101 lawbench_statute_zh netoperatorqa_zh cosqa_dev \
  rust_doc_search)
STRUCTURE_SETS ?= $(addprefix ../shared/data/,2wikimultihopqa_hipporag101 musique lawbench_statute_zh netoperatorqa_zh tatqa_test cosqa_dev \
	rust_doc_search)
CODE_SETS ?= $(addprefix ../shared/data/,cosqa_dev rust_doc_search)
LINK_SETS ?= $(addprefix ../shared/data/,musique 2wikimultihopqa_hipporag101 cmrc2018_dev netoperatorqa_zh lawbench_statute_zh)
BENCH_SETS ?= $(addprefix ../shared/data/,musique 2wikimultihopqa_hipporag101 lawbench_statute_zh netoperatorqa_zh cosqa_dev \
  rust_doc_search cmrc2018_dev tatqa_test)

.PHONY: demo test test-slow check bench bench-answers clean

# The environment is built when it is missing or when pyproject.toml has changed.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# Three questions over this repository: its guides, its code, its measured results.
demo: export GRAINLINE_LIBRARY := .grainline/demo
demo: $(VENV)/.ready
	rm -rf .grainline/demo
	$(BIN)/grainline add docs src results/retrieval.md results/lexical.md
	$(BIN)/grainline ask "Which is the only file that an answer depends on?"
	$(BIN)/grainline ask "which function is reciprocal_rank_fusion?" --agent grep
	$(BIN)/grainline ask "What is the nDCG@10 of outline on lawbench_statute_zh?"

test: $(VENV)/.ready
	$(BIN)/python -m pytest -q -n 2

test-slow: $(VENV)/.ready
	$(BIN)/python -m pytest -q -m slow

check: $(VENV)/.ready
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy

# Quality and cost on the labelled sets of ../shared, the price of embedding lazily and the floor of full-text search; results/ holds
# what README shows. Three quarters of an hour.
bench: $(VENV)/.ready
	$(BIN)/python -m grainline.bench.lazy $(MEANING_SETS) --out results/meaning.json > results/meaning.md
	$(BIN)/grainline bench retrieval $(BENCH_SETS) --out results/retrieval.json > results/retrieval.md
	$(BIN)/grainline bench retrieval $(STRUCTURE_SETS) --agent linked,hybrid --out results/structure.json > results/structure.md
	$(BIN)/grainline bench retrieval $(CODE_SETS) --agent code --out results/code.json > results/code.md
	$(BIN)/python -m grainline.bench.links $(LINK_SETS) --passages 25000,50000,100000 > results/links.md
	$(BIN)/grainline bench sql ../shared/data/spider_dev > results/sql.md
	$(BIN)/grainline bench routes ../shared --out results/routes.json > results/routes.md
	$(BIN)/python -m grainline.bench.lexical ../shared/data/musique > results/lexical.md
	$(BIN)/python -m grainline.bench.readme README.md

# What a language model brings, LLM=gguf:FILE?threads=2&context=4096 for example: hours on a processor. What the model says is kept in MEMORY,
# so that a run that was cut off goes on.
MEMORY ?= .grainline/said.jsonl
ANSWERS = $(BIN)/grainline bench answers --llm "$(LLM)" --memory $(MEMORY)
TRANSFORMS = $(BIN)/python -m grainline.bench.transforms --agent hybrid --llm "$(LLM)" --memory $(MEMORY)
bench-answers: $(VENV)/.ready
	mkdir -p $(dir $(MEMORY))
	$(ANSWERS) ../shared/data/cmrc2018_dev --every 60 --reflect 2 --out results/answers_cmrc.json > results/answers.md
	$(ANSWERS) ../shared/data/musique --every 10 --agent linked,hybrid --reflect 2 --out results/answers_musique.json | tail -n +3 >> results/answers.md
	$(ANSWERS) ../shared/data/musique --every 10 --offset 3 --agent linked,hybrid --reflect 2 | tail -n +3 >> results/answers.md
	$(ANSWERS) ../shared/data/musique --every 10 --offset 7 --agent linked,hybrid --reflect 2 | tail -n +3 >> results/answers.md
	$(ANSWERS) --declining ../shared --out results/declining.json > results/declining.md
	$(ANSWERS) --across ../shared --out results/across.json > results/across.md
	$(TRANSFORMS) ../shared/data/cmrc2018_dev --every 200 > results/transforms.md
	$(TRANSFORMS) ../shared/data/lawbench_statute_zh --every 31 | tail -n +3 >> results/transforms.md
	$(TRANSFORMS) ../shared/data/tatqa_test --every 104 | tail -n +3 >> results/transforms.md
	$(TRANSFORMS) ../shared/data/musique --every 20 | tail -n +3 >> results/transforms.md
	$(TRANSFORMS) ../shared/data/cosqa_dev --agent code --every 31 | tail -n +3 >> results/transforms.md
	$(BIN)/python -m grainline.bench.keys ../shared/data/rust_doc_search --agent code --keys code --every 31 --llm "$(LLM)" --memory $(MEMORY) > results/keys.md
	$(BIN)/python -m grainline.bench.states "$(LLM:gguf:%=%)" --document ../shared/corpora/rust-book/src/appendix-02-operators.md --questions 3 > results/states.md
	$(BIN)/python -m grainline.bench.readme README.md

clean:
	rm -rf $(VENV) .grainline .mypy_cache .ruff_cache .pytest_cache
