"""From fragments up to the whole document they belong to, and in a court case down again to the portions that say what came of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grainline.types import ASKED, EVERYWHERE, Graph, Hit, Node, Shaped, Where

#: what each further matching fragment adds to a document's score, as a share of its own, halved each time: several fragments say
#: more than one, but many weak ones must not outweigh one that answers
SHARE = 0.25
#: portions of a case in the order in which they are handed over, unless the question asks for one of them
PORTIONS = ("judgment", "reasoning", "facts")
#: portions that tell what happened, the best first
FACTS = ("facts", "charge", "claim", "proceedings")
#: what in a question asks for which portion
_ASKED = {
    "judgment": re.compile(
        r"判了|判处|判决|裁定|被判|怎么判|如何判|刑期|量刑|处罚|罚金|几年|多久|赔偿多少|结果"
        r"|\b(?:sentenc|verdict|judg(?:e?ment|ed)|punish|convict|ordered?|outcome|held|holding|rul(?:ed?|ing)|award|fined?|disposition)",
        re.IGNORECASE,
    ),
    "reasoning": re.compile(
        r"为什么|为何|理由|认为|依据|凭什么|是否构成|\b(?:why|reason|ground|rationale|because)", re.IGNORECASE
    ),
    "evidence": re.compile(r"证据|证人|\b(?:evidence|witness|testi)", re.IGNORECASE),
    "defence": re.compile(r"辩称|辩护|辩解|\bdefen[cs]e\b", re.IGNORECASE),
    "facts": re.compile(r"事实|经过|发生了什么|怎么回事|案情|\b(?:facts?\b|what happened|events?\b)", re.IGNORECASE),
}


class Parent:
    """Goes from each hit to its document."""

    def __init__(self, graph: Graph, question: str = "") -> None:
        self._graph = graph
        self._question = question

    def walk(self, hits: Sequence[Hit], where: Where = EVERYWHERE) -> list[Hit]:
        """One hit a document, best first: its best fragment's score, and a little for each further one.

        `via` names the fragments, and for a court case the way through its portions: "walk:parent facts > judgment".
        """
        visible = self._graph.visible(where)
        fragments: dict[str, list[Hit]] = {}
        for hit in sorted(hits, key=lambda hit: -hit.score):
            if visible(hit.node.document_id):
                fragments.setdefault(hit.node.document_id, []).append(hit)
        whole = []
        for document_id, own in fragments.items():
            score = own[0].score + sum(hit.score * SHARE / 2**place for place, hit in enumerate(own[1:]))
            shaped = self._graph.shaped(document_id)
            via = (
                *own[0].via,
                self._way(shaped, own[0].node),
                *(f"fragment:{hit.node.start}-{hit.node.end}" for hit in own[:3]),
            )
            whole.append(Hit(shaped.nodes[0], score, via))
        return sorted(whole, key=lambda hit: -hit.score)

    def portions(self, hit: Hit, floor: float = 0.0) -> list[Hit]:
        """The portions of the court case that a hit of `walk` is, those first that the question asks for: judgment, reasoning, facts; none
        for any other document. Scores lie between the hit's own and `floor`; `via` says which are asked for (`types.ASKED`)."""
        held = _portions(self._graph.shaped(hit.node.document_id))
        if "judgment" not in held:
            return []
        asked = [role for role, pattern in _ASKED.items() if pattern.search(self._question)]
        roles = dict.fromkeys(
            next((other for other in FACTS if other in held), role) if role == "facts" else role for role in (*asked, *PORTIONS)
        )
        found = {role: held[role] for role in roles if role in held}
        step = (hit.score - min(floor, hit.score)) / (len(found) + 1)
        return [
            Hit(node, hit.score - step * (place + 1), (*hit.via, f"portion:{role}", *((ASKED,) if role in asked else ())))
            for place, (role, node) in enumerate(found.items())
        ]

    def _way(self, shaped: Shaped, fragment: Node) -> str:
        """How the walk went: through the portion that matched and to the judgment, in a court case."""
        held = _portions(shaped)
        if "judgment" not in held:
            return "walk:parent"
        roles = [role for role, node in held.items() if node.start <= fragment.start < node.end]
        return "walk:parent " + " > ".join(dict.fromkeys([*roles[-1:], "judgment"]))


def _portions(shaped: Shaped) -> dict[str, Node]:
    """The portions of a court case by role, of several with one role the longest; none if the document is no case."""
    held: dict[str, Node] = {}
    for node in shaped.nodes:
        if (role := node.meta.get("role")) and node.kind == "section":
            best = held.get(role)
            held[role] = node if best is None or node.end - node.start > best.end - best.start else best
    return held
