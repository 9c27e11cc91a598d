"""Names are searched by the array of their character bigrams under GIN (design.md 11).

PostgreSQL's trigrams see no Chinese under the C locale; pairs of characters do, and a search of two
characters is one index look-up.
"""


def bigrams(*texts: str | None) -> list[str]:
    """Every pair of neighbouring characters of the texts, lower-case, each once."""
    pairs: set[str] = set()
    for text in texts:
        lowered = (text or "").lower()
        pairs.update(lowered[i : i + 2] for i in range(len(lowered) - 1))
    return sorted(pairs)


def pattern(text: str) -> str:
    r"""The LIKE pattern for "contains", with `%`, `_` and `\` taken literally."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
