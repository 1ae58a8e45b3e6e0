"""The words of questions to tables, in English and Chinese: what asks for a count, a mean, an order, a comparison, a refusal.

Each line is a pattern, the role that its words have, and what they say in that role; where two patterns overlap the longer one counts.
"""

from __future__ import annotations

import re

from grainline.text import stem

#: words that stand between a number and what is counted
MEASURES = "[个位名种条件家部首张本座只辆场所次篇份支台门款人岁笔项层级]"
#: (role, said) by pattern; English patterns are bounded by word borders
Lexicon = tuple[tuple[str, str, str], ...]

ENGLISH: Lexicon = (
    # how many of something, and what comes of the numbers in a column
    (r"how many(?: different| distinct| unique)?|(?:the )?(?:total )?(?:number|count)s? of|number|count(?: (?:of )?(?:the )?(?:numbers? of)?)?|frequency|how often|number of times", "count", ""),
    (r"how many (?:different|distinct|unique)|(?:count )?(?:the )?(?:total )?(?:number|count) of (?:all )?(?:the )?(?:different|distinct|unique)", "count", "distinct"),
    (r"averages?|mean|on average", "aggregate", "avg"),
    (r"(?:the )?(?:total|sum|combined)(?: amount| sum)?(?: of)?|altogether|in total|how much", "aggregate", "sum"),
    (r"maximum|max|highest(?= and (?:the )?lowest)|largest(?= and (?:the )?smallest)|(?<=lowest and )highest|(?<=lowest and the )highest", "aggregate", "max"),
    (r"minimum|min|lowest(?= and (?:the )?highest)|(?<=highest and )lowest|(?<=highest and the )lowest|(?<=largest and )smallest|(?<=largest and the )smallest", "aggregate", "min"),
    # extremes: of a column that is named, or of the one that the word itself names
    (r"highest|largest|greatest|biggest|maximal|top|best", "extreme", "desc"),
    (r"lowest|smallest|minimal|bottom|worst", "extreme", "asc"),
    (r"most|maximum number of|(?:the )?(?:most|greatest|highest|largest|maximum|biggest)(?: total)? (?:number|amount|count)s? of", "most", "desc"),
    (r"fewest|least|(?:the )?(?:fewest|least|smallest|lowest|minimum|fewest)(?: total)? (?:number|amount|count)s? of", "most", "asc"),
    (r"most (?:common|popular|frequent)(?:ly)?|most frequently|predominantly", "commonest", "desc"),
    (r"least (?:common|popular|frequent)(?:ly)?", "commonest", "asc"),
    (r"do(?:es)? most|did most|are most of|is most of", "commonest", "desc"),
    (r"(?:(?:how|what) (?:many|much) )?(?:more|fewer|less)(?= .* than)|(?:the )?difference(?: in| of| between)?", "difference", ""),
    (r"(?:the |what )?(?:percentage|percent)(?! (?:points?|change|increase|decrease|growth))(?: of)?|(?:what |the )?(?:share|fraction|proportion) of|what (?:share|fraction|proportion)", "share", ""),
    (r"oldest|eldest", "extreme", "desc age"),
    (r"youngest", "extreme", "asc age"),
    (r"(?:most )?recent(?:ly)?|latest|newest|last", "extreme", "desc time"),
    (r"earliest|first", "extreme", "asc time"),
    (r"longest", "extreme", "desc length"),
    (r"shortest", "extreme", "asc length"),
    (r"tallest", "extreme", "desc height"),
    (r"heaviest", "extreme", "desc weight"),
    (r"lightest", "extreme", "asc weight"),
    (r"(?:most expensive|priciest|dearest|costliest)", "extreme", "desc price"),
    (r"(?:least expensive|cheapest)", "extreme", "asc price"),
    (r"fastest", "extreme", "desc speed"),
    (r"slowest", "extreme", "asc speed"),
    (r"richest|wealthiest", "extreme", "desc wealth"),
    (r"poorest", "extreme", "asc wealth"),
    # comparisons
    (r"(?:more|greater|higher|larger|bigger|better) than|over|above|exceed(?:s|ing)?|greater|>", "compare", ">"),
    (r"(?:less|fewer|lower|smaller) than|under|below|<", "compare", "<"),
    (r"at least|no (?:less|fewer) than|not less than|>=", "compare", ">="),
    (r"at most|no more than|not more than|up to|<=", "compare", "<="),
    (r"or (?:more|above|later|after|older|greater|higher)(?! \d)|and (?:above|later|up)", "compare after", ">="),
    (r"or (?:less|fewer|below|earlier|before|younger|lower)(?! \d)|and (?:below|earlier)", "compare after", "<="),
    (r"(?:older) than", "compare", "> age"),
    (r"(?:younger) than", "compare", "< age"),
    (r"(?:heavier) than", "compare", "> weight"),
    (r"(?:lighter) than", "compare", "< weight"),
    (r"(?:longer) than", "compare", "> length"),
    (r"(?:shorter) than", "compare", "< length"),
    (r"(?:taller) than", "compare", "> height"),
    (r"(?:after|later than|since)", "compare", "> time"),
    (r"(?:before|earlier than|prior to)", "compare", "< time"),
    (r"larger|higher|greater|bigger|more|less|fewer|lower|smaller|longer|shorter|older|younger|better|worse", "compare", ""),
    (r"between|in the range of|ranging from", "between", ""),
    (r"equals?(?: to)?|equal to|exactly|=", "compare", "="),
    # words in cells
    (r"(?:contain(?:s|ing)?|includ(?:es|ing)|ha(?:s|ve|ving)|with) (?:the )?(?:word|substring|string|phrase|letters?)|contain(?:s|ing)?|the (?:word|substring|string|phrase)", "like", "holds"),
    (r"(?:start(?:s|ing)?|begin(?:s|ning)?) with", "like", "starts"),
    (r"end(?:s|ing)? (?:with|in)", "like", "ends"),
    # what a column holds, said in another word
    (r"length|duration|running time", "measure", "length"),
    (r"sales|revenues?|turnover|earnings|spending|spen[dt]s?|income|amount of money", "measure", "amount"),
    (r"prices?|costs?", "measure", "price"),
    (r"ages?", "measure", "age"),
    (r"heights?", "measure", "height"),
    (r"units|copies|pieces", "measure", "quantity"),
    (r"weights?|weigh(?:s|ed|ing)?", "measure", "weight"),
    (r"born", "measure", "birth"),
    (r"earn(?:s|ed|ing)?|salary|salaries|wages?|wealth|pay", "measure", "wealth"),
    # groups, order, choice
    (r"for (?:all )?(?:the )?(?:different|distinct)(?: numbers? of| types? of| kinds? of)?", "each", ""),
    (r"for (?:each|every)(?: of the)?(?: different| distinct)?|(?:in|of|by|to|from|per|at|on) (?:each|every)(?: different| distinct)?|each|per|every|respective|corresponding|grouped by|broken down by", "each", ""),
    (r"(?:(?:and )?(?:order(?:ed)?|sort(?:ed)?|rank(?:ed)?|arranged|list them)(?: the results?| them| the list)?(?: by| in| from| according to)?)", "order", ""),
    (r"(?:in )?(?:the )?(?:ascending|increasing|alphabetical|alphabetic|chronological|lexicographical)(?:ly)?(?: order)?(?: of| by)?|from (?:the )?(?:low(?:est)?|small(?:est)?|young(?:est)?|earliest|least|fewest) to (?:the )?\w+|alphabetically", "order", "asc"),
    (r"(?:in )?(?:the )?(?:descending|decreasing|reverse alphabetical|reverse)(?:ly)?(?: order)?(?: of| by)?|from (?:the )?(?:high(?:est)?|large(?:st)?|big(?:gest)?|old(?:est)?|latest|most) to (?:the )?\w+", "order", "desc"),
    (r"different|distinct|unique", "distinct", ""),
    # refusal and sets
    (r"not|n't|never|no|without|neither|other than|except(?: for)?|excluding|nor|did not|do not|does not|don't|doesn't|didn't|have not|has not|are not|is not|was not|were not|isn't|aren't|wasn't|weren't|not have any|that have no|none", "not", ""),
    (r"both", "both", ""),
    (r"or|either", "or", ""),
    (r"and|as well as|along with|together with|also|,", "and", ""),
)  # fmt: skip

CHINESE: Lexicon = (
    (rf"(?:一共|总共|共|合计)?(?:有|是)?多少(?:{MEASURES})|(?:一共|总共|共|合计)?有多少|(?:一共|总共|共)?(?:有)?几(?:{MEASURES})", "count", ""),
    (rf"的?(?:总)?(?:数量|个数|人数|数目|总数|次数|条数)(?:是|有|为)?(?:多少|几(?:{MEASURES}))?", "count", ""),
    (rf"(?:一共|总共|共)?有?(?:多少|几)(?:{MEASURES})?(?:不同|不重复)的?", "count", "distinct"),
    (r"(?:分别)?(?:是|为)多少|多少", "light", ""),
    (r"平均(?:值|数)?", "aggregate", "avg"),
    (r"总共|总和|合计|总计|加起来|之和|总的|总(?=[^数共和计部监经裁统局])|一共", "aggregate", "sum"),
    (r"最大值|最高值|最大的?数值|最[大高多](?=[和与、及]最[小低少])|(?<=最[小低少][和与、及])最[大高多]", "aggregate", "max"),
    (r"最小值|最低值|最[小低少](?=[和与、及]最[大高多])|(?<=最[大高多][和与、及])最[小低少]", "aggregate", "min"),
    (r"的?数(?=是|为|最|超过|大于|少于|多于|不少于|[？?。，,]|$)", "count", ""),
    (r"最(?:大|高|多|重|好|强|快|久)的?", "extreme", "desc"),
    (r"最(?:小|低|少|轻|差|弱|慢)的?", "extreme", "asc"),
    (r"最年长的?|年纪最大的?|最老的?", "extreme", "desc age"),
    (r"最年轻的?|年纪最小的?", "extreme", "asc age"),
    (r"最新的?|最近的?|最晚的?", "extreme", "desc time"),
    (r"最[早旧先]的?", "extreme", "asc time"),
    (r"最长的?", "extreme", "desc length"),
    (r"最短的?", "extreme", "asc length"),
    (r"最贵的?", "extreme", "desc price"),
    (r"最便宜的?", "extreme", "asc price"),
    (r"最(?:常见|普遍|受欢迎|流行|常用)的?|(?:用|使用|出现|选择|选)得?(?:次数)?最多的?", "commonest", "desc"),
    (r"长度|时长", "measure", "length"),
    (r"销售额|收入|营收|营业额|消费(?:额|金额)?", "measure", "amount"),
    (r"价格|价钱|单价|费用", "measure", "price"),
    (r"年龄|年纪", "measure", "age"),
    (r"出生(?:于|在)?", "measure", "birth"),
    (r"工资|薪水|薪资|月薪|年薪", "measure", "wealth"),
    (r"大于|高于|超过|多于|长于|不止|>", "compare", ">"),
    (r"小于|低于|少于|不到|不足|短于|<", "compare", "<"),
    (r"至少|不少于|不低于|不小于|大于等于|>=|≥", "compare", ">="),
    (r"至多|最多(?=\d)|不超过|不多于|不高于|不大于|小于等于|<=|≤", "compare", "<="),
    (r"(?:及|或)?以上的?|及之后|或更多|或更高", "compare after", ">="),
    (r"(?:及|或)?以下的?|及之前|或更少|或更低", "compare after", "<="),
    (r"之后|以后", "compare after", "> time"),
    (r"之前|以前", "compare after", "< time"),
    (r"晚于", "compare", "> time"),
    (r"早于", "compare", "< time"),
    (r"介于|在(?=\d+[到至和与]\d)", "between", ""),
    (r"之间", "between after", ""),
    (r"多(?=几|多少)|少(?=几|多少)|相差|差多少|之差|的?差额?是?(?=多少)", "difference", ""),
    (r"的?(?:占比|比例|百分比|份额)(?:是|为)?(?:多少)?|百分之几|百分之多少|占(?:了|全部|所有|总)?", "share", ""),
    (r"等于|恰好|正好", "compare", "="),
    (r"包含|含有|包括|带有", "like", "holds"),
    (r"以(?=[“\"「])|开头是|开头为", "like", "starts"),
    (r"每(?:[个位名种条家部首张本座只辆场所次篇份支台门款笔件类项层]|一[个位名种家]?)?|各个?|分别|按(?=\S{1,8}(?:统计|分组|分类|汇总))", "each", ""),
    (r"按照?|依照?", "order", ""),
    (r"(?:的?(?:字母|拼音|首字母)(?:顺序)?的?)?(?:从[小低少早短]到[大高多晚长]|升序|由[小低少早短]到[大高多晚长]|递增)(?:的?顺序)?(?:排列|排序|列出)?", "order", "asc"),
    (r"(?:的?(?:字母|拼音|首字母)(?:顺序)?的?)?(?:从[大高多晚长]到[小低少早短]|降序|倒序|由[大高多晚长]到[小低少早短]|递减)(?:的?顺序)?(?:排列|排序|列出)?", "order", "desc"),
    (r"不同的?|不重复的?", "distinct", ""),
    (r"没有|不是|不在|不为|没|未|不含|不包括|除了?|以外|之外|非", "not", ""),
    (r"既|同时", "both", ""),
    (r"或者|或", "or", ""),
    (r"并且|而且|以及|和|与|及|、|，|,|且", "and", ""),
)  # fmt: skip

#: words that ask, point and join, and say nothing about which rows or columns are meant
LIGHT = frozenset(
    "a an the of in on at for from to by with is are was were be been do does did has have had having that which who whom whose what where "
    "when there it its their them they this these those all any some please show list find give return tell me us display get what's "
    "across either table tables shared his her he she one ones me can could you i we our as than so information details about named called name's s 's ? . : ; ! as "
    "belonging belong corresponding exist exists existing many much values value each's how will would also only just such "
    "used use uses using within among out whether made came come "
    "哪种 哪类 哪款 哪家 哪位 哪名 哪支 哪部 哪间 哪所 哪座 哪场 哪首 哪门 哪件 哪笔 请问 请 问 找 查找 找到 并 并且 对于 任何 以及 关于 他们 她们 它们 的 了 之 等 其中 那么 大概 员 信息 数据 情况 记录 时 年 月 日 元 万元 岁 人 楼 号 们 这些 那些 该 各自 需要 想 知道 看看 看 查 查一下 有谁 是 在 有 哪 些 什么 谁 列出 找出 查询 显示 给出 告诉 我 们 你 他 她 它 一下 所有 全部 其 中 为 哪些 哪个 哪一 哪 吗 呢 ？ 。 ： 分别是 叫 名叫 里 个 位 名 这 那 些 都 被 由 从 到 来自 属于 下 上 内".split()
)
#: light words of Chinese that are parts of other words as well
WITHIN = frozenset("员时年月日人号名位个元里中上下")
#: stems of what people are called in the names of tables
PEOPLE = frozenset(
    stem(word)
    for word in "customer client employee staff person people user member student teacher author player patient physician doctor singer visitor driver "
    "artist actor director manager worker owner reviewer 客户 顾客 员工 会员 用户 学生 老师 教师 患者 病人 医生 作者".split()
)
#: verbs and nouns of trade, and what the tables are called that hold it
TRADE = frozenset(
    "buy buys bought purchase purchased purchases sell sells sold order ordered orders sale sales transaction transactions "
    "买 买了 买过 购买 购买了 购买过 卖 卖了 卖出 卖出了 卖掉 售出 售出了 销售 销售了 下单 订购 消费".split()
)
TRADE_TABLES = ("sale", "order", "purchas", "invoic", "transact", "订单", "销售", "交易", "购买")
#: words that ask for more than columns and counts: where nothing explains them, another question was asked
WORKING = frozenset(
    "ratio percentage percent proportion change changed changes growth increase increased decrease decreased correlation median variance trend "
    "forecast why difference compare compared 比例 占比 变化 增长 增长率 同比 环比 趋势 为什么 中位数 预测".split()
)
#: verbs and other words that only say that things belong together: they narrow nothing where all the rest is explained
VERBS = frozenset(
    "live lives lived living reside resides come comes came work works worked working get gets got give gives gave given take took taken taking make makes buy "
    "buys bought purchase purchased sell sells sold order ordered orders place placed places issue issued bill billed belong earn earned "
    "participate participated attend attended visit visited perform performed hold held holds contain held own owns owned hire hired play "
    "plays played speak spoken located situated based headquartered produce produced produces run runs ran appear appears available "
    "compose composed write written wrote direct directed teach taught teaches study studies say said recorded listed appear "
    "occur occurs occurred happen happens happened create created establish established according together overall member members caused cause causes currently actually ever really do called people person someone anyone things thing "
    "造成 造成的 事件 表演 表演过 指挥 指挥过 获得 获得了 得到 编写 编写了 撰写 执导 教授 教过 任教 提供 支持 包含 发布 创作 演出 参演 签约 "
    "住 住在 位于 生活 工作 任职 举办 举办过 举行 举行过 教 读 上 卖 卖了 卖出 售出 销售 买 买了 购买 购买过 下 下了 下过 开 开了 开出 出 出了 出过 经手 经手了 负责 拥有 生产 制造 "
    "导演 导演了 参加 参加了 参加过 演唱 演奏 买过 下单 下过单 卖过 支付 供应 注册 注册过 说 使用 用 播出 播放 发行 发行了 发生 发生了 总部 总部在 来自于 当中 里面 目前 现在 共有 过 人员 大 名字 叫什么 叫什么名字 同学 做 过的 了的 的人".split()
)
#: what a word of measure or time says about the columns that it may mean: parts of column names, the best first
CONCEPTS = {
    "age": ("age", "年龄", "岁", "birth year", "birth"),
    "birth": ("birth year", "birth date", "birth", "born", "出生年份", "出生日期", "出生"),
    "quantity": ("quantity", "qty", "units sold", "units", "数量", "销量"),
    "time": ("year", "date", "time", "day", "年份", "年", "日期", "时间", "month", "年度"),
    "length": ("length", "duration", "long", "milliseconds", "seconds", "minutes", "长度", "时长", "时间"),
    "height": ("height", "tall", "身高", "高度"),
    "weight": ("weight", "重量", "体重"),
    "price": ("price", "cost", "fee", "amount", "价格", "单价", "售价", "票价", "定价", "费用", "金额"),
    "speed": ("speed", "速度"),
    "amount": ("total", "amount", "sales", "revenue", "spent", "金额", "销售额", "总额", "收入"),
    "place": ("location", "place", "city", "address", "hometown", "country", "state", "region", "地点", "地址", "城市", "位置"),
    "wealth": ("net worth", "money", "wealth", "salary", "income", "worth", "工资", "薪", "收入"),
}
#: concepts whose column grows as the thing gets younger: the oldest has the smallest year of birth
INVERTED = ("birth", "born", "出生")
#: asking words that name a concept, and whether their answer is a name
ASKING = (
    (re.compile(r"\bhow old\b|多大(?:年纪|岁数|了)?|几岁"), "age"),
    (re.compile(r"^\s*when\b|哪年|哪一年|什么时候|何时"), "time"),
    (re.compile(r"^\s*where\b|哪里|哪儿|在哪"), "place"),
    (re.compile(r"\bhow long\b|多长"), "length"),
    (re.compile(r"\bhow tall\b|多高"), "height"),
    (re.compile(r"\bhow heavy\b|\bhow much (?:does|do|did) .* weigh\b|多重"), "weight"),
    (re.compile(r"\bhow much (?:does|do|did) .* cost\b|多少钱"), "price"),
)
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
NUMBER_WORDS = {word: number for number, word in enumerate(_NUMBERS.split())} | {
    "once": 1, "single": 1, "twice": 2, "hundred": 100, "thousand": 1000, "million": 1_000_000,
    "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10,
}  # fmt: skip
SCALES = {"千": 1e3, "万": 1e4, "百万": 1e6, "千万": 1e7, "亿": 1e8, "thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3}
#: what is done with cells, the first that is said
CELLS_DONE = (
    ("rate", r"percent(?:age)?s?(?: of)? (?:change|increase|decrease|growth|decline)|(?:growth|rate) (?:rate|of growth)|(?:change|growth|increase|decrease)\b.*\bas a percentage(?! of)|同比(?:增长|变动|变化|增加|下降|减少)?(?:了)?(?:率|百分之几|百分之多少|多少个?百分点|比例)?|增长率|增幅|变动比例|(?:增长|增加|下降|减少)了?百分之(?:几|多少)"),
    ("fall", r"(?:by )?how much (?:did|has|have)\b.*\b(?:decrease|fall|drop|decline|shrink)\w*|减少了?(?:多少)?|下降了?(?:多少)?|少了多少"),
    ("rise", r"(?:by )?how much (?:did|has|have)\b.*\b(?:increase|grow|rise|change)\w*|(?:amount of )?(?:change|difference|increase|decrease|growth)s?(?: in| of| between)?|(?:增加|增长|变化|变动|提高|多)了?(?:多少)?|之差|相差|差额"),
    ("most", r"(?:in )?(?:which|what) (?:fiscal )?years?\b.*\b(?:highest|largest|greatest|most|biggest|higher|larger|greater|maximum)|哪一?个?年度?份?.*最[高大多好]"),
    ("least", r"(?:in )?(?:which|what) (?:fiscal )?years?\b.*\b(?:lowest|smallest|least|fewest|lower|smaller|minimum)|哪一?个?年度?份?.*最[低小少差]"),
    ("mean", r"\baverage\b|\bmean\b|平均值?"),
    ("sum", r"\b(?:total|sum|combined)(?: of)?\b|合计|总和|之和|总共|一共"),
)  # fmt: skip
#: words of change, and others that say what is done with cells
CHANGING = frozenset("change increase decrease".split())
DOING = frozenset(
    "average mean total sum combined highest largest greatest most biggest higher larger greater maximum lowest smallest least fewest lower "
    "smaller minimum percent percentage change difference increase decrease grow rise fall drop decline growth rate changes differences increases decreases decreased increased grew declined dropped fell".split()
)
#: words that reports are full of and that choose neither row nor column
REPORTING = frozenset(
    "company amount value balance figure fiscal year years ended ending end during period million millions thousand thousands dollar dollars "
    "recorded reported incurred recognized respectively from between compared versus vs fy "
    "how much and by per did was were reach 公司 金额 数额 数值 万元 亿元 元 报告期 全年 年度 本 年 度 同期 比 较 相比 "
    "上年 去年 期末 期 末 余额 多少 百分之几 份 了 是 的 和 与 在 有 亿 万 几 哪 哪一 一 达 到 达到 从 至 为 同 实现".split()
)
