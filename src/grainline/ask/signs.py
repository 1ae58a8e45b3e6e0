"""Words that tell what kind of question is asked, in English and Chinese: a pattern a sign."""

from __future__ import annotations

#: signs of a question by the words that make them
SIGNS = {
    "count": r"\bhow (?:many|much)\b|\bnumber of\b|\bcount\b|多少|几[个名位条件家张种部人]|数量|总数|人数",
    "aggregate": r"\b(?:average|mean|total|sum|altogether|combined|maximum|minimum)\b|平均|总[共和计额]|合计|一共|加起来",
    "extreme": r"\b(?:most|least|fewest|highest|lowest|largest|smallest|biggest|longest|shortest|oldest|youngest|latest|earliest|cheapest|top \d+)\b"
    r"|最[大小多少高低长短早晚贵新老]|前[一二三四五六七八九十\d]+[名个位]",
    "compare": r"\b(?:more|less|fewer|greater|higher|lower|older|younger|longer) than\b|\bat (?:least|most)\b|\bbetween \d|超过|大于|小于|高于|低于|至少|不到",
    "each": r"\b(?:each|every|per)\b|\bby (?:country|year|month|city|type|category|genre)\b|每[个位名种条年家]|各",
    "section": r"\b(?:section|chapter|article|part|clause|appendix|§)\s*\d|\bchapter\b|\bsection\b|第[一二三四五六七八九十百千零〇\d]+[条章节编款篇]|哪一[章节条]|[本该这]章",
    "whole": r"\b(?:summar|overview|overall|main (?:idea|point|topic|theme|contribution|finding)|in a nutshell|gist|what is (?:this|the) (?:book|paper|chapter|document|report|article) about)"
    r"|\babout as a whole\b|\bkey (?:points|findings)\b|总结|概括|概述|梗概|简介|介绍一下|大体上|主要(?:内容|讲|说|观点|结论|规定)|讲了?(?:些)?什么|大意|主旨|核心内容",
    "uses": r"\b(?:where|who|which \w+) .*\b(?:used|called|calls?|uses?|invoked|referenced|imported)\b|\busages?\b|\bcallers?\b|哪里.*(?:用到|调用|使用)|(?:用到|调用|使用)了?.*(?:地方|哪)|被谁调用|调用",
    "code": r"\b(?:function|method|class|struct|trait|macro|code|implement\w*|snippet|def|fn|python|rust|api|script|variable|iterator|returns?)\b|函数|方法|代码|实现|类的|接口|变量",
    "outcome": r"\b(?:sentenced|verdict|ruling|convicted|penalty|punish\w*|guilty)\b|判了?|判处|判决|刑期|量刑|定罪|罪名|处罚|怎么判|法条|条文",
    "around": r"\b(?:before|after|next|then|followed|preceding|previous|afterwards|leading up|happened)\b|之前|之后|接下来|随后|接着|上文|下文|前后|后来|然后",
    "colophon": r"\b(?:funded|funding|grants?|sponsor\w*|acknowledg\w*|thanks?|affiliat\w*)\b|致谢|资助|鸣谢|作者单位",
    "picture": r"\b(?:figure|table|chart|diagram|picture|image|screenshot|plot|graph)\b|图|表格|表\d|[那这哪]张表|插图|示意",
    "who": r"\b(?:who|whose|whom)\b|谁|哪位",
    "when": r"\bwhen\b|\bwhat (?:year|date)\b|哪年|哪一年|什么时候|何时|几年",
    "where": r"\bwhere\b|哪里|哪儿|在哪|何地|什么地方",
    "why": r"\b(?:why|how (?:do|does|can|to|did))\b|为什么|为何|怎么|如何|怎样",
    "of_of": r"\bof (?:the )?[^?]*\bof (?:the )?\b|'s [^?]*'s |的[^的]{1,12}的[^的]{1,12}",
}
