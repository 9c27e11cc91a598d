"""What names are made of. Nobody real is meant: only the combinations are names."""

# (character, its pinyin). A brand is one of the first and one of the second list.
BRAND_FIRST = [
    ("云", "yun"), ("星", "xing"), ("岚", "lan"), ("青", "qing"), ("蓝", "lan"), ("澜", "lan"),
    ("晨", "chen"), ("曦", "xi"), ("朗", "lang"), ("禾", "he"), ("松", "song"), ("桐", "tong"),
    ("鹭", "lu"), ("沐", "mu"), ("溪", "xi"), ("砚", "yan"), ("墨", "mo"), ("屿", "yu"),
    ("弘", "hong"), ("瑾", "jin"), ("拓", "tuo"), ("恒", "heng"), ("启", "qi"), ("卓", "zhuo"),
    ("睿", "rui"), ("诺", "nuo"), ("栖", "qi"), ("麓", "lu"), ("霁", "ji"),
]  # fmt: skip
BRAND_SECOND = [
    ("帆", "fan"), ("舟", "zhou"), ("川", "chuan"), ("野", "ye"), ("岫", "xiu"), ("象", "xiang"),
    ("瀚", "han"), ("翎", "ling"), ("岭", "ling"), ("谷", "gu"), ("桥", "qiao"), ("榕", "rong"),
    ("泊", "bo"), ("衡", "heng"), ("策", "ce"), ("擎", "qing"), ("淮", "huai"), ("棠", "tang"),
    ("知", "zhi"), ("楹", "ying"), ("阙", "que"), ("汀", "ting"), ("序", "xu"), ("蕴", "yun"),
]  # fmt: skip
TRADES = [
    ("科技", "keji"), ("信息技术", "xinxi"), ("智能制造", "zhizao"), ("软件", "ruanjian"),
    ("数据", "shuju"), ("物流", "wuliu"), ("供应链", "gongying"), ("医疗科技", "yiliao"),
    ("教育科技", "jiaoyu"), ("生物科技", "shengwu"), ("新能源", "nengyuan"), ("环保", "huanbao"),
    ("文化传媒", "chuanmei"), ("网络科技", "wangluo"), ("电子商务", "shangwu"), ("农业", "nongye"),
    ("精密机械", "jixie"), ("金融信息", "jinrong"), ("食品", "shipin"), ("建筑设计", "sheji"),
]  # fmt: skip
COMPANY_FORMS = ["", "", "", "有限公司", "有限公司", "股份有限公司", "（集团）有限公司"]

SURNAMES = [
    ("陈", "chen"), ("林", "lin"), ("周", "zhou"), ("吴", "wu"), ("徐", "xu"), ("孙", "sun"),
    ("郭", "guo"), ("何", "he"), ("罗", "luo"), ("梁", "liang"), ("宋", "song"), ("唐", "tang"),
    ("许", "xu"), ("韩", "han"), ("冯", "feng"), ("邓", "deng"), ("曹", "cao"), ("彭", "peng"),
    ("曾", "zeng"), ("肖", "xiao"), ("田", "tian"), ("董", "dong"), ("袁", "yuan"), ("潘", "pan"),
]  # fmt: skip
GIVEN_FIRST = [
    ("晓", "xiao"), ("雨", "yu"), ("子", "zi"), ("思", "si"), ("佳", "jia"), ("文", "wen"),
    ("俊", "jun"), ("若", "ruo"), ("书", "shu"), ("嘉", "jia"), ("明", "ming"), ("志", "zhi"),
]  # fmt: skip
GIVEN_SECOND = [
    ("岚", "lan"), ("宁", "ning"), ("涵", "han"), ("远", "yuan"), ("琪", "qi"), ("博", "bo"),
    ("然", "ran"), ("怡", "yi"), ("诚", "cheng"), ("航", "hang"), ("萱", "xuan"), ("哲", "zhe"),
]  # fmt: skip

SYLLABLES_FIRST = [
    "Nor", "Vel", "Cal", "Bri", "Ost", "Mer", "Tal", "Quin", "Hal", "Sol", "Lum", "Ard", "Fen",
    "Kes", "Rav", "Thal", "Wex", "Dor", "Elm", "Gal",
]  # fmt: skip
SYLLABLES_SECOND = [
    "va", "do", "li", "mer", "ri", "ta", "no", "ve", "sa", "wi", "den", "ba",
]  # fmt: skip
SYLLABLES_LAST = [
    "line", "nis", "ra", "tek", "dine", "co", "lux", "more", "vale", "gate", "field", "son",
]  # fmt: skip
TRADES_ENGLISH = [
    "Logistics", "Analytics", "Robotics", "Health", "Foods", "Textiles", "Shipping", "Software",
    "Energy", "Studios", "Instruments", "Retail", "Biotech", "Learning", "Mobility",
]  # fmt: skip
FORMS_ENGLISH = ["Ltd.", "Pte. Ltd.", "Inc.", "GmbH", "Co., Ltd."]
GIVEN_ENGLISH = [
    "Ada", "Noel", "Iris", "Owen", "Mira", "Theo", "Lena", "Hugo", "Nina", "Alec", "Tess", "Joel",
]  # fmt: skip

LABELS = ["战略客户", "金融", "制造", "互联网", "教育", "医疗", "试用期", "Overseas"]
