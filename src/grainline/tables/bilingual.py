"""Words that tables are made of, in Chinese and English: so that a question in one language meets columns and countries in the other."""

from __future__ import annotations

#: Chinese words by the English ones that names of tables and columns are made of
COLUMNS = {
    "age": "年龄 年纪 岁数", "name": "姓名 名称 名字 名", "city": "城市", "country": "国家", "address": "地址 住址", "phone": "电话 手机 电话号码",
    "email": "邮箱 邮件 电子邮箱", "date": "日期", "year": "年份 年", "month": "月份", "price": "价格 单价", "amount": "金额 数额", "total": "总额 总金额 合计",
    "quantity": "数量", "customer": "客户 顾客", "employee": "员工 雇员 职员", "student": "学生", "teacher": "老师 教师", "course": "课程",
    "department": "部门 系", "salary": "工资 薪水 薪资", "company": "公司", "product": "产品 商品", "order": "订单", "invoice": "发票", "track": "曲目 歌曲",
    "song": "歌曲 歌", "singer": "歌手", "album": "专辑", "artist": "艺术家 艺人", "genre": "流派 风格 类型", "playlist": "播放列表", "car": "汽车 车",
    "weight": "重量 体重", "height": "身高 高度", "horsepower": "马力", "cylinder": "气缸 汽缸 缸", "maker": "制造商 厂商 生产商", "model": "型号 车型",
    "continent": "大洲 洲", "stadium": "体育场 场馆", "concert": "演唱会 音乐会", "capacity": "容量 容纳人数", "attendance": "出席人数 上座人数 观众人数",
    "museum": "博物馆", "visitor": "游客 访客 参观者", "visit": "参观 访问", "battle": "战役 战斗", "ship": "船 船只 舰船", "death": "死亡", "orchestra": "乐团 管弦乐团",
    "conductor": "指挥 指挥家", "performance": "演出", "nationality": "国籍", "grade": "年级 成绩", "friend": "朋友", "channel": "频道", "series": "系列 剧集",
    "cartoon": "动画片 动画 卡通", "language": "语言", "title": "标题 片名 职位 头衔", "rating": "评分 收视率", "share": "份额", "vote": "投票 选票 票",
    "contestant": "参赛者 选手", "state": "州", "code": "代码 编码", "property": "房产 物业 财产", "room": "房间", "author": "作者", "book": "书 图书 书籍",
    "publisher": "出版社", "movie": "电影", "film": "电影", "director": "导演", "actor": "演员", "team": "球队 队伍 团队", "player": "球员 选手 玩家",
    "match": "比赛", "score": "分数 得分", "school": "学校", "class": "班级", "doctor": "医生", "patient": "病人 患者", "hospital": "医院", "airport": "机场",
    "airline": "航空公司", "flight": "航班", "hotel": "酒店", "restaurant": "餐厅 饭店", "store": "商店 店铺", "shop": "商店 店", "budget": "预算",
    "population": "人口", "area": "面积 地区", "region": "地区 区域", "province": "省份 省", "district": "区", "gender": "性别", "sex": "性别", "birth": "出生",
    "hometown": "家乡", "birthday": "生日", "job": "工作 职业", "manager": "经理", "project": "项目", "document": "文档 文件", "account": "账户", "bank": "银行",
    "loan": "贷款", "payment": "付款 支付", "status": "状态", "type": "类型 种类", "category": "类别 分类", "description": "描述", "length": "长度 时长",
    "size": "大小 尺寸", "color": "颜色", "number": "数量 编号 号码", "id": "编号", "people": "人 人们", "person": "人", "date of birth": "出生日期",
}  # fmt: skip

#: Chinese names of countries by the English ones, with what they are called in tables for short
COUNTRIES = {
    "China": "中国", "USA": "美国", "United States": "美国", "UK": "英国", "United Kingdom": "英国", "France": "法国", "Germany": "德国", "Japan": "日本",
    "Italy": "意大利", "Spain": "西班牙", "Canada": "加拿大", "Brazil": "巴西", "Russia": "俄罗斯", "India": "印度", "Australia": "澳大利亚", "Mexico": "墨西哥",
    "South Korea": "韩国", "Korea": "韩国", "Netherlands": "荷兰", "Sweden": "瑞典", "Norway": "挪威", "Denmark": "丹麦", "Finland": "芬兰", "Poland": "波兰",
    "Portugal": "葡萄牙", "Greece": "希腊", "Turkey": "土耳其", "Egypt": "埃及", "Argentina": "阿根廷", "Chile": "智利", "Austria": "奥地利", "Belgium": "比利时",
    "Switzerland": "瑞士", "Ireland": "爱尔兰", "Hungary": "匈牙利", "Czech Republic": "捷克", "Singapore": "新加坡", "Thailand": "泰国", "Vietnam": "越南",
    "Malaysia": "马来西亚", "Indonesia": "印度尼西亚", "New Zealand": "新西兰", "South Africa": "南非", "Ukraine": "乌克兰", "Israel": "以色列",
    "Europe": "欧洲", "Asia": "亚洲", "Africa": "非洲", "America": "美洲", "English": "英语", "French": "法语", "Chinese": "中文", "German": "德语",
}  # fmt: skip
