"""Articles that a question asks for by their number and nothing more: they are the answer as they stand."""

from __future__ import annotations

import re

from grainline.graph.pointed import pointed
from grainline.store.snapshot import Snapshot
from grainline.types import Node, Where

#: what is said around an article by who wants to read it
_READ = re.compile(
    r"(?:请问|请|麻烦|帮我|给我|我|想|要|知道|了解|看看|看|查询|查一下|查|找|一下|的|了|是|有|里|中|都|到底|具体|主要|内容|规定|条文|条款|法条|全文|原文|说|讲|写|包括"
    r"|包含|什么|哪些|些|啥|怎么|如何|怎样|样|吗|呢|[\s《》“”\"，,。．.？?！!：:])*+"
)


def wanted(question: str, snapshot: Snapshot, where: Where) -> tuple[Node, ...]:
    """The articles, by source; () where a question asks for anything else."""
    found = pointed(question, snapshot, where)
    if not found:
        return ()
    rest, end = "", 0
    for one in found:
        rest, end = rest + question[end : max(end, one.law)], one.end
    return tuple(node for one in found for node in one.nodes) if _READ.fullmatch(rest + question[end:]) else ()
