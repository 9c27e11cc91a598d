"""Names are searched by the array of their characters and pairs under GIN (decision 0022).

PostgreSQL's trigrams see no Chinese under the C locale; characters and pairs of them do, and a
search of one or two characters is one index look-up. The database folds names and makes their grams
(decision 0074); here are those of what is looked for.
"""

GRAM_CHARACTERS_MAX = 2


def needed_grams(folded: str) -> list[str]:
    """The longest grams of a text: a name that contains it has all of them."""
    length = GRAM_CHARACTERS_MAX
    return sorted({folded[i : i + length] for i in range(len(folded) - 1)}) or [folded]


def pattern(folded: str) -> str:
    r"""The LIKE pattern for "contains", with `%`, `_` and `\` taken literally."""
    escaped = folded.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
