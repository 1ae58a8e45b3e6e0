"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import grainline

#: modules that run something when they are imported as a command
COMMANDS = {"grainline.bench.durability.__main__"}
MODULES = [found.name for found in pkgutil.walk_packages(grainline.__path__, "grainline.") if found.name not in COMMANDS]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
