"""A million customers with Chinese and English names, straight into customer-sync's tables."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from chassis.database import Database
from customer_sync.search.count_customers import FILL_TALLIES
from customer_sync.search.tally_frequent_texts import tally_frequent_texts
from customer_sync.settings import CustomerSyncSettings

PARTNER = "0" * 31 + "1"
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
_CITIES = (
    "北京", "上海", "广州", "深圳", "杭州", "成都", "南京",
    "武汉", "西安", "苏州", "重庆", "天津", "长沙", "青岛", "宁波",
)  # fmt: skip
_TRADES = (
    "科技", "网络", "软件", "数据", "贸易", "物流", "能源",
    "医药", "教育", "传媒", "电子", "智能", "环保", "建筑",
)  # fmt: skip
_CHARACTERS = (
    "华东云海天地星辰金银山川江河龙凤春秋明光瑞祥和顺安康福禄德仁义礼智信诚远达通泰丰盛兴隆"
)
_WORDS = ("north", "river", "cloud", "stone", "amber", "delta", "lumen", "orbit", "pixel", "quartz")
_LABELS = ("vip", "trial", "华东重点", "q3", "renewal")
_COLUMNS = (
    "id", "partner_id", "distributor_id", "site", "currency", "account_name", "customer_name",
    "xaccount_id", "xaccount_type", "association_type", "association_status", "associated_on",
    "label", "mobile", "country_code", "customer_type", "verified_status", "is_frozen",
    "closes_market_messages", "mirrored", "registered_at", "version",
)  # fmt: skip

# One at a time; what a person would type. Counts are said beside the times.
FILTERS: dict[str, dict[str, Any]] = {
    "customer, 2 Chinese characters": {"customer": "龙瑞"},
    "customer, 4 Chinese characters": {"customer": "龙瑞科技"},
    "customer, a common word": {"customer": "深圳"},
    "customer, 7 of 10 share the text": {"customer": "有限公司"},
    "customer, 1 of 20 shares the text": {"customer": "科技有限公司"},
    "customer, a single character": {"customer": "瑞"},
    "account_name, 2 letters": {"account_name": "zq"},
    "account_name, 9 letters": {"account_name": "quartz_00"},
    "account_name, 1 of 160 shares it": {"account_name": "quartz_0"},
    "label": {"label": "华东重点"},
    "association_type": {"association_type": "1"},
    "associated_on_begin, the last days": {"associated_on_begin": "2026-06-25T00:00:00Z"},
    "associated_on_begin, half of all": {"associated_on_begin": "2023-04-01T00:00:00Z"},
    "associated_on_end": {"associated_on_end": "2020-02-01T00:00:00Z"},
    "customer_id": {"customer_id": f"{7:032x}"},
}


def customers(count: int) -> Iterator[tuple[Any, ...]]:
    """Rows in the columns' order; the same ones each time."""
    chance = random.Random(5)
    span = (datetime(2026, 7, 1, tzinfo=UTC) - FIRST).total_seconds()
    for number in range(count):
        on = FIRST + timedelta(seconds=int(span * number / count))
        kind = "1" if number % 20 == 0 else "2"
        label = chance.choice(_LABELS) if number % 100 == 0 else None
        yield (
            f"{number:032x}", PARTNER, None, "china", "CNY",
            f"{chance.choice(_WORDS)}_{chance.randrange(16**8):08x}", _name(chance),
            f"x{number}", "BENCH", kind, "associated", on, label, None, "0086", 1, "2", 0,
            False, False, on, 2,
        )  # fmt: skip


def _name(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return f"{chance.choice(_WORDS).title()} {chance.choice(_WORDS).title()} Ltd"
    called = "".join(chance.choices(_CHARACTERS, k=2))
    return f"{chance.choice(_CITIES)}{called}{chance.choice(_TRADES)}有限公司"


async def load_customers(settings: CustomerSyncSettings, count: int) -> None:
    """COPY without indexes, then the indexes as the migration made them, then the tallies."""
    url = settings.database_of("customer_sync")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET maintenance_work_mem = '512MB'")
        made = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'customers'"
            " AND indexname <> 'customers_pkey'"
        )
        for index in made:
            await connection.execute(f'DROP INDEX "{index["indexname"]}"')
        for trigger in ("tally_made_or_gone", "tally_changed"):
            await connection.execute(f"ALTER TABLE customers DISABLE TRIGGER {trigger}")
        await connection.copy_records_to_table(
            "customers", records=customers(count), columns=_COLUMNS
        )
        for index in made:
            await connection.execute(index["indexdef"])
        await connection.execute("ALTER TABLE customers ENABLE TRIGGER USER")
        await connection.execute(FILL_TALLIES)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    database = Database(settings, "customer_sync")
    await tally_frequent_texts(database, datetime.now(UTC))  # as the service would, on its start
    await database.close()
