"""Words that tables are made of, in Chinese and English: so that a question in one language meets columns and countries in the other."""

from __future__ import annotations

#: Chinese words by the English ones that names of tables and columns are made of
COLUMNS = {
    "age": "年龄 年纪 岁数", "name": "姓名 名称 名字 名", "city": "城市", "country": "国家", "address": "地址 住址", "phone": "电话 手机 电话号码",
    "email": "邮箱 邮件 电子邮箱", "date": "日期", "year": "年份 年", "month": "月份", "price": "价格 单价", "amount": "金额 数额", "total": "总额 总金额 合计",
    "quantity": "数量", "customer": "客户 顾客", "employee": "员工 雇员 职员", "student": "学生", "teacher": "老师 教师", "course": "课程",
    "department": "部门 系 科室", "salary": "工资 薪水 薪资", "company": "公司", "product": "产品 商品", "order": "订单", "invoice": "发票", "track": "曲目 歌曲",
    "song": "歌曲 歌", "singer": "歌手", "album": "专辑", "artist": "艺术家 艺人", "genre": "流派 风格 类型", "playlist": "播放列表", "car": "汽车 车",
    "weight": "重量 体重", "height": "身高 高度", "horsepower": "马力", "cylinder": "气缸 汽缸 缸", "maker": "制造商 厂商 生产商", "model": "型号 车型",
    "continent": "大洲 洲", "stadium": "体育场 场馆", "concert": "演唱会 音乐会", "capacity": "容量 容纳人数", "attendance": "出席人数 上座人数 观众人数",
    "museum": "博物馆", "visitor": "游客 访客 参观者", "visit": "参观 访问", "battle": "战役 战斗", "ship": "船 船只 舰船", "death": "死亡", "orchestra": "乐团 管弦乐团",
    "conductor": "指挥 指挥家", "performance": "演出", "nationality": "国籍", "grade": "年级 成绩", "friend": "朋友", "channel": "频道", "series": "系列 剧集",
    "cartoon": "动画片 动画 卡通", "language": "语言", "title": "标题 片名 职位 头衔", "rating": "评分 收视率", "share": "份额", "vote": "投票 选票 票",
    "contestant": "参赛者 选手", "state": "州", "code": "代码 编码", "property": "房产 物业 财产", "room": "房间", "author": "作者", "book": "书 图书 书籍",
    "publisher": "出版社", "movie": "电影", "film": "电影", "director": "导演", "actor": "演员", "team": "球队 队伍 团队", "player": "球员 选手 玩家",
    "match": "比赛", "score": "分数 得分", "school": "学校", "class": "班级", "doctor": "医生", "physician": "医生 医师", "bed": "床位", "blood type": "血型", "nurse": "护士", "appointment": "预约", "review": "评论 评价 点评",
    "fee": "费用", "head": "主任 负责人", "user": "用户", "member": "会员 成员", "purchase": "购买记录 采购", "sale date": "销售日期", "star": "星级",
     "patient": "病人 患者", "hospital": "医院", "airport": "机场",
    "airline": "航空公司", "flight": "航班", "hotel": "酒店", "restaurant": "餐厅 饭店", "store": "商店 店铺", "shop": "商店 店", "budget": "预算",
    "population": "人口", "area": "面积 地区", "region": "地区 区域", "province": "省份 省", "district": "区", "gender": "性别", "sex": "性别", "birth": "出生",
    "hometown": "家乡", "birthday": "生日", "job": "工作 职业", "manager": "经理", "project": "项目", "document": "文档 文件", "account": "账户", "bank": "银行",
    "loan": "贷款", "payment": "付款 支付", "status": "状态", "type": "类型 种类", "category": "类别 分类", "description": "描述", "length": "长度 时长",
    "size": "大小 尺寸", "color": "颜色", "number": "数量 编号 号码", "id": "编号", "people": "人 人们", "staff": "员工 工作人员 职员", "level": "等级 级别 水平", "membership": "会员", "highschooler": "高中生 学生",
    "unit price": "单价", "hire date": "入职日期 入职时间 入职", "birth date": "出生日期 生日", "first name": "名", "last name": "姓 姓氏", "media type": "媒体类型",
    "note": "备注 注释 说明", "founded": "成立 创立 创办", "record": "唱片", "format": "格式", "major": "主要", "like": "喜欢 点赞 赞",
    "package": "套餐", "option": "选项", "full name": "全名 全称", "area code": "区号", "feature": "特征 设施", "nation": "国家",
    "air date": "播出日期 播出时间", "original air date": "首播日期 首播时间", "weekly rank": "周排名", "rank": "排名", "work": "工作", "injury": "受伤",
    "highest": "最高", "lowest": "最低", "average": "平均", "position": "名次 排名 职位", "supplier": "供应商", "vendor": "供应商 卖家", "warehouse": "仓库",
    "discount": "折扣", "stock": "库存", "sales": "销量 销售额", "revenue": "收入 营收", "profit": "利润", "tax": "税", "employer": "雇主", "county": "县",
    "village": "村", "river": "河流 河", "mountain": "山", "lake": "湖泊 湖", "elevation": "海拔", "depth": "深度", "wine": "葡萄酒", "game": "游戏",
    "dog": "狗", "cat": "猫", "pet": "宠物", "animal": "动物", "breed": "品种", "owner": "主人 所有者", "professional": "专业人员", "treatment": "治疗",
    "degree": "学位", "semester": "学期", "section": "部分 章节", "paper": "论文", "conference": "会议", "journal": "期刊", "editor": "编辑", "instructor": "教师 讲师",
    "poker player": "扑克选手", "tournament": "锦标赛", "winner": "获胜者 赢家", "loser": "失败者", "ranking": "排名", "tour": "巡回赛", "hand": "手", "template": "模板",
    "paragraph": "段落", "version": "版本", "text": "文本", "shop name": "店名", "evaluation": "评价 评估", "bonus": "奖金", "hiring": "招聘", "life expectancy": "预期寿命",
    "government form": "政府形式", "independence year": "独立年份", "surface area": "面积 表面积", "official": "官方", "capital": "首都", "head of state": "国家元首",
    "net worth": "净资产 身家", "composer": "作曲家 作曲者 作曲", "tonnage": "吨位", "injured": "受伤人数 受伤", "killed": "死亡人数 遇难人数 死亡",
    "episode": "剧集 集", "content": "内容", "citizenship": "国籍", "sale": "销量 销售额", "ticket": "票 门票", "spent": "花费 消费", "bytes": "字节数 大小",
    "acceleration": "加速度", "location": "地点 位置", "theme": "主题", "result": "结果", "commander": "指挥官", "record company": "唱片公司",
    "floor": "楼层", "postal code": "邮编 邮政编码", "fax": "传真", "street": "街道", "distance": "距离", "speed": "速度", "duration": "时长",
    "milliseconds": "时长 毫秒", "tv": "电视", "television": "电视", "tv channel": "电视频道", "high school": "高中", "contestants": "选手", "open year": "开放年份 开馆年份", "person": "人", "date of birth": "出生日期",
}  # fmt: skip

#: words of Chinese names of columns, and what else people call these
SAME = {
    "日期": "时间", "时间": "日期", "名称": "名字 名", "姓名": "名字", "月薪": "工资 薪水 薪资 薪酬", "工资": "薪水 薪资 月薪 薪酬", "薪资": "工资 薪水 月薪",
    "金额": "总额 额", "负责人": "主管 领导", "职位": "职务 岗位", "职务": "职位 岗位", "客户": "顾客", "顾客": "客户", "员工": "职工 雇员", "雇员": "员工 职员",
    "商品": "产品", "产品": "商品", "单价": "价格", "价格": "单价 售价", "年份": "年", "年龄": "岁数 年纪", "电话": "手机 联系方式", "人数": "人员数",
}  # fmt: skip

#: English words that stand in cells, by the Chinese ones
_CELLS = {
    "中国": "China", "美国": "USA|United States|US|United States of America|America",
    "英国": "UK|United Kingdom|Britain|England", "法国": "France", "德国": "Germany", "日本": "Japan", "意大利": "Italy",
    "西班牙": "Spain", "加拿大": "Canada", "巴西": "Brazil", "俄罗斯": "Russia|Russian Federation", "印度": "India",
    "澳大利亚": "Australia", "墨西哥": "Mexico", "韩国": "South Korea|Korea", "荷兰": "Netherlands|Holland", "瑞典": "Sweden",
    "挪威": "Norway", "丹麦": "Denmark", "芬兰": "Finland", "波兰": "Poland", "葡萄牙": "Portugal", "希腊": "Greece",
    "土耳其": "Turkey", "埃及": "Egypt", "阿根廷": "Argentina", "智利": "Chile", "奥地利": "Austria", "比利时": "Belgium",
    "瑞士": "Switzerland", "爱尔兰": "Ireland", "匈牙利": "Hungary", "捷克": "Czech Republic", "新加坡": "Singapore",
    "泰国": "Thailand", "越南": "Vietnam", "马来西亚": "Malaysia", "印度尼西亚": "Indonesia", "新西兰": "New Zealand",
    "南非": "South Africa", "乌克兰": "Ukraine", "以色列": "Israel", "欧洲": "Europe", "亚洲": "Asia", "非洲": "Africa",
    "美洲": "America", "英语": "English", "法语": "French", "中文": "Chinese", "德语": "German", "巴黎": "Paris",
    "伦敦": "London", "柏林": "Berlin", "慕尼黑": "Munich", "马德里": "Madrid", "罗马": "Rome", "纽约": "New York",
    "波士顿": "Boston", "芝加哥": "Chicago", "洛杉矶": "Los Angeles", "旧金山": "San Francisco", "西雅图": "Seattle",
    "华盛顿": "Washington", "东京": "Tokyo", "大阪": "Osaka", "首尔": "Seoul", "悉尼": "Sydney", "墨尔本": "Melbourne",
    "多伦多": "Toronto", "温哥华": "Vancouver", "卡尔加里": "Calgary", "蒙特利尔": "Montreal", "莫斯科": "Moscow",
    "布拉格": "Prague", "维也纳": "Vienna", "布达佩斯": "Budapest", "华沙": "Warsaw", "都柏林": "Dublin",
    "阿姆斯特丹": "Amsterdam", "布鲁塞尔": "Brussels", "斯德哥尔摩": "Stockholm", "奥斯陆": "Oslo", "哥本哈根": "Copenhagen",
    "赫尔辛基": "Helsinki", "里斯本": "Lisbon", "圣保罗": "São Paulo", "新德里": "Delhi", "孟买": "Mumbai", "曼谷": "Bangkok",
    "开罗": "Cairo", "苏黎世": "Zurich", "日内瓦": "Geneva", "米兰": "Milan", "爱丁堡": "Edinburgh", "北京": "Beijing",
    "上海": "Shanghai", "广州": "Guangzhou", "深圳": "Shenzhen", "香港": "Hong Kong", "台北": "Taipei", "加州": "CA",
    "加利福尼亚": "California", "德州": "TX", "纽约州": "NY", "摇滚": "Rock", "爵士": "Jazz", "蓝调": "Blues", "流行": "Pop",
    "古典": "Classical", "金属": "Metal", "拉丁": "Latin", "公寓": "Apartment", "房屋": "House", "商铺": "Shop",
    "男": "M|Male", "女": "F|Female", "意大利语": "Italian", "西班牙语": "Spanish", "日语": "Japanese", "英文": "English",
    "法文": "French", "经理": "Manager", "工程师": "Engineer", "俄国": "Russia", "古巴": "Cuba", "秘鲁": "Peru",
    "哥伦比亚": "Colombia", "伊朗": "Iran", "伊拉克": "Iraq", "沙特阿拉伯": "Saudi Arabia", "巴基斯坦": "Pakistan",
    "菲律宾": "Philippines", "冰岛": "Iceland", "罗马尼亚": "Romania", "保加利亚": "Bulgaria", "塞尔维亚": "Serbia",
    "克罗地亚": "Croatia", "尼日利亚": "Nigeria", "肯尼亚": "Kenya", "摩洛哥": "Morocco", "被俘": "Captured",
    "捕获": "Captured", "沉没": "Sank", "击沉": "Sunk",
}  # fmt: skip
CELLS = {chinese: tuple(english.split("|")) for chinese, english in _CELLS.items()}

#: what cells say of women and men, by the English words for them
SEXES = {
    **dict.fromkeys(("female", "females", "woman", "women"), ("F", "Female", "女")),
    **dict.fromkeys(("male", "males", "man", "men"), ("M", "Male", "男")),
}
