"""Names are searched by the array of their characters and pairs under GIN (decision 0022).

PostgreSQL's trigrams see no Chinese under the C locale; characters and pairs of them do, and a
search of one or two characters is one index look-up.
"""

GRAM_CHARACTERS_MAX = 2


def grams(*texts: str | None) -> list[str]:
    """Every character and pair of neighbours of the texts, lower-case, each once."""
    found: set[str] = set()
    for text in texts:
        lowered = (text or "").lower()
        found.update(lowered)
        found.update(_pairs(lowered))
    return sorted(found)


def needed_grams(text: str) -> list[str]:
    """The longest grams of a text: a name that contains it has all of them."""
    lowered = text.lower()
    return sorted(_pairs(lowered)) or [lowered]


def _pairs(text: str) -> set[str]:
    return {text[i : i + GRAM_CHARACTERS_MAX] for i in range(len(text) - 1)}


def pattern(text: str) -> str:
    r"""The LIKE pattern for "contains", with `%`, `_` and `\` taken literally."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
