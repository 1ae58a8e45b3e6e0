"""Court cases and conversations written for the tests of structure."""

from __future__ import annotations

THEFT_ZH = """湖北省江城市临湖区人民法院
刑 事 判 决 书
（2021）鄂9901刑初318号

公诉机关江城市临湖区人民检察院。
被告人颜有为，男，1988年4月2日出生于江城市，汉族，初中文化，无业，住江城市临湖区。因涉嫌犯盗窃罪于2021年3月30日被刑事拘留，同年4月12日被逮捕。现羁押于江城市第二看守所。
辩护人周明，湖北南湖律师事务所律师。

江城市临湖区人民检察院以鄂临检刑诉〔2021〕201号起诉书指控被告人颜有为犯盗窃罪，于2021年5月20日向本院提起公诉。本院依法适用简易程序，公开开庭审理了本案。江城市临湖区人民检察院指派检察员李青出庭支持公诉，被告人颜有为及其辩护人到庭参加诉讼。现已审理终结。

公诉机关指控，2021年3月28日20时许，被告人颜有为在江城市临湖区新村足球场边捡到被害人谢某的手机一部，随后多次使用该手机的免密支付功能，窃取被害人支付宝内人民币3723元。公诉机关认为，被告人具有退赔、取得谅解、自愿认罪等情节，建议判处有期徒刑一年以下，并处罚金。

被告人颜有为对指控的事实和罪名均无异议。其辩护人提出，被告人系初犯，家属已赔偿全部损失，请求从轻处罚。

经审理查明，2021年3月28日20时许，被告人颜有为路过临湖区新村足球场时，见看台下有一部手机无人看管，遂将手机装入口袋离开。当晚21时起，颜有为发现该手机开通了小额免密支付，先后十一次在便利店、网吧和加油站使用，共计窃取人民币3723元。次日，被害人谢某发现账户异常后报警。2021年3月30日，民警在颜有为的住处将其抓获，并当场查获涉案手机。案发后，颜有为的家属赔偿谢某人民币5000元，谢某出具了谅解书。
另查明，涉案手机经鉴定价值人民币1850元，已发还被害人。

上述事实，被告人颜有为在开庭审理过程中亦无异议，且有受案登记表、抓获经过、被害人谢某的陈述、支付宝交易记录、价格认定结论书、谅解书等证据证实，足以认定。

本院认为，被告人颜有为以非法占有为目的，秘密窃取他人财物，数额较大，其行为已构成盗窃罪。公诉机关指控的事实和罪名成立。被告人到案后如实供述自己的罪行，当庭自愿认罪，依法可以从轻处罚；其家属已赔偿被害人全部损失并取得谅解，可以酌情从轻处罚。辩护人的相关辩护意见，本院予以采纳。依照《中华人民共和国刑法》第二百六十四条、第六十七条第三款、第五十二条之规定，判决如下：
被告人颜有为犯盗窃罪，判处有期徒刑七个月，并处罚金人民币三千元。
（刑期从判决执行之日起计算。判决执行以前先行羁押的，羁押一日折抵刑期一日，即自2021年3月30日起至2021年10月29日止。）

如不服本判决，可在接到判决书的第二日起十日内，通过本院或者直接向江城市中级人民法院提出上诉。

审 判 长  王丽华
审 判 员  陈  刚
人民陪审员  赵  敏
二〇二一年六月十八日
书 记 员  孙  洋
"""

FIELDS_ZH = [("仓库", "铜芯电缆", "第二百六十四条", "有期徒刑二年"), ("商场", "金项链", "第二百六十三条", "有期徒刑四年")]


def other_theft(number: int) -> str:
    """A case like the other, with other facts and another judgment."""
    place, thing, article, sentence = FIELDS_ZH[number]
    text = THEFT_ZH.replace("颜有为", "冯大勇" if number else "郭小川").replace("318号", f"40{number}号")
    text = text.replace("新村足球场边", f"城东{place}旁").replace("新村足球场时", f"城东{place}时").replace("手机", thing)
    return text.replace("第二百六十四条", article).replace("有期徒刑七个月", sentence)


LOAN_ZH = (
    "某市西区人民法院民事判决书（2019）某01民初77号。原告：赵某。被告：钱某。原告赵某与被告钱某民间借贷纠纷一案，本院于2019年2月1日立案后，"
    "依法适用普通程序，公开开庭进行了审理。本案现已审理终结。原告赵某向本院提出诉讼请求：1.判令被告偿还借款20万元；2.诉讼费由被告承担。"
    "被告钱某辩称，借款属实，但已经偿还了5万元。本院经审理查明：2017年5月，被告因经营茶叶店向原告借款20万元，约定一年内还清，并出具了借条。"
    "2018年3月，被告通过银行转账归还5万元。此后经原告多次催要，被告未再还款。本院认为，合法的借贷关系受法律保护。被告尚欠原告借款15万元，"
    "事实清楚，被告应当偿还。据此，依照《中华人民共和国合同法》第二百零六条之规定，判决如下：一、被告钱某于本判决生效之日起十日内偿还原告赵某借款15万元；"
    "二、驳回原告赵某的其他诉讼请求。如不服本判决，可以在判决书送达之日起十五日内，向本院递交上诉状。审判员孙某。"
)

OPINION_EN = """IN THE COURT OF APPEALS OF THE STATE OF ELDERA

No. 21-1187

STATE OF ELDERA, Plaintiff-Appellee,
v.
THOMAS R. MILLER, Defendant-Appellant.

Before HOLT, Chief Judge, and BARNES and IYER, Judges.

BARNES, Judge:

Thomas Miller appeals from the judgment of the district court of Kent County. He argues that the search of his van was unlawful.

Background

On the evening of March 28, 2019, a spectator left her phone on the bleachers of the football field in Norwich.
Miller, who was sweeping the stands, put the phone in his pocket and walked to his van. Over the next two hours the
phone was used for eleven payments at petrol stations and a diner. An officer traced the phone to the parking lot, saw
it on the dashboard through the window, and opened the unlocked door.

Procedural History

Miller was charged with larceny and unauthorized use of a payment device. He moved to suppress the phone. The district
court denied the motion, a jury convicted him on both counts, and he was sentenced to eight months.

Discussion

We review the denial of a motion to suppress for clear error as to the facts and without deference as to the law.

A. The plain view of the phone

An officer may seize what lies in plain view where its character as evidence is immediately apparent. The officer
stood in a public lot and the tracing signal pointed to the van. No search took place before the phone was seen.

B. The unlocked door

Miller argues that opening the door needed a warrant. The mobility of the van and the signal together gave probable
cause, and our cases ask no more.

Conclusion

For the foregoing reasons, the judgment of the district court is affirmed. The sentence of eight months in the county
jail stands, and Miller shall pay restitution of $612 to the owner of the phone.

IT IS SO ORDERED.
"""

ORDER_EN = """UNITED STATES DISTRICT COURT
FOR THE DISTRICT OF WESTMARK
Case No. 3:18-cv-00412

HARBOR TEXTILES LLC, Plaintiff, v. NORTHWAY FREIGHT INC., Defendant.

MEMORANDUM

Harbor Textiles filed this action for the loss of forty bales of wool that Northway undertook to carry from Port Ellis
to Dunmore.

On June 4, 2017, the bales were loaded dry and in good order. The driver left the trailer open at a rest stop
overnight, and rain soaked the load. The wool was sold for salvage at a fifth of its price.

The question is whether the clause on the back of the bill limits what Northway must pay. It is settled that a carrier
may limit its liability only if the shipper had a fair choice between two rates. Harbor was offered one rate.

The Court finds that the clause does not bind Harbor, and that the value of the load was $84,000.

For these reasons, judgment is entered for Harbor Textiles in the amount of $67,200 with interest from June 6, 2017.
Northway's motion for summary judgment is denied.

IT IS SO ORDERED.

Dated: February 11, 2019
"""

CHAT_ZH = """[09:58] 张三：大家早上好，周六的徒步还去吗？
[09:59] 李四：去啊，几点集合？
[10:01] 张三：七点半在西门。
[10:02] 王五：我可能晚到十分钟。
[10:03] 张三：没关系，我们等你。
[10:04] 李四：要带帐篷吗？
[10:05] 王五：不用，山上的木屋已经订好了，钥匙在管理员老刘那里。
[13:30] 张三：对了，谁有急救包？
[13:31] 李四：我家里有一个，我带上。
[13:40] 张三：太好了，谢谢！
"""

CHAT_EN = """2024-01-02 10:30 Alice: Does anyone know why the nightly build failed?
2024-01-02 10:32 Bob: The certificate of the package mirror expired.
2024-01-02 10:33 Carol: Again? Who renews it?
2024-01-02 10:34 Bob: I do, the new one goes live at noon.
2024-01-02 10:40 Alice: Thanks, then I restart the build after lunch.
2024-01-02 10:41 Bob: Please ping me when it is green.
2024-01-02 15:02 Alice: The build is green.
2024-01-02 15:03 Carol: Great, I tag the release.
2024-01-03 09:00 Alice: Where did you put the release notes?
2024-01-03 09:05 Carol: In the wiki, under April.
"""

WHATSAPP = """02/01/24, 10:32 - Messages are end-to-end encrypted.
02/01/24, 10:32 - Nadia: Shall we meet at the fountain?
02/01/24, 10:33 - Omar Haddad: Yes, at six.
It may rain, so bring the big umbrella.
02/01/24, 10:35 - Nadia: Fine.
02/01/24, 18:40 - Nadia: Where are you?
02/01/24, 18:41 - Omar Haddad: Behind the kiosk.
"""

WECHAT = """张三 2024-01-02 10:32:05
房东什么时候来修水管？

李四 2024-01-02 10:33:10
他说周四下午三点。
记得把阀门关上。

张三 2024-01-02 10:40:00
好的，我在家等。

李四 2024-01-02 10:41:44
钥匙在门口的花盆下面。
"""

SLACK = """Priya Nair  10:32 AM
Which port does the staging proxy listen on?

Tom  10:34 AM
8443, the old one was closed last week.

Priya Nair  10:36 AM
And the health check?

Tom  10:37 AM
It moved to /livez.
"""

INTERVIEW_EN = """Interview with the lighthouse keeper

Q: When did you come to the island?

A: In the spring of 1971. The boat brought me and two crates of books, and it did not come back for nine weeks because
of the storms.

Q: What was the hardest part?

A: The fog signal. In thick weather it sounded every forty seconds, day and night, and you learn to sleep between the blasts.

Q: Would you do it again?

A: Tomorrow.
"""

INTERVIEW_ZH = """问：你什么时候发现手机不见的？
答：大概晚上九点，我回到家以后。
问：最后一次看到手机是在哪里？
答：在足球场的看台上，我当时在给孩子拍照。
问：手机里有什么重要的东西吗？
答：支付宝里有三千多块钱，还有孩子的照片。
"""

#: texts that look a little like cases or chats, and are none
NEITHER = {
    "log": "".join(f"2024-01-02 10:3{n}:05 {('INFO', 'ERROR', 'WARN')[n % 3]}: worker {n} restarted\n" for n in range(9)),
    "yaml": "\n".join(f"Name: host{n}\nAddress: 10.0.0.{n}\nOwner: team {n}" for n in range(9)),
    "glossary": "\n".join(
        f"{word}: a kind of owl that hunts at night." for word in ("Barn", "Tawny", "Snowy", "Elf", "Hawk", "Eagle")
    ),
    "settings": "timeout: 30\nretries: 4\nhost: example\nport: 80\nhost: other\nport: 81\n",
    "court_essay": "刑事判决书由首部、事实、理由和判决结果组成。理由部分以“本院认为”开头，结尾写“判决如下”。" * 20
    + "\n法官应当写明证据。\n公诉机关指控的内容也要写明。\n",
    "statute": "第一条 人民法院审理案件，应当公开。\n第二条 本院认为需要补充侦查的，裁定如下情形除外。\n"
    "第三条 检察院指控的犯罪，依法判决。\n",
    "paper": "Background\n\nThe court of public opinion v. Science is an old topic.\n\nDiscussion\n\nWe review what is known.\n\n"
    "Conclusion\n\n"
    "For these reasons, more work is needed.\n",
    "minutes": "Present: Ann, Bo\nAgenda: budget\nThe budget was read. It was long.\nDecision: accepted\nNext meeting: Monday\n",
}
