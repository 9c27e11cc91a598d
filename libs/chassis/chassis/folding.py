"""One folding for texts as people write them: for the rows of a search and for what it looks for.

Full and half width, composed and decomposed, upper and lower case, the kinds of middle dots, of
hyphens and of apostrophes are one; so are blanks, however many; what has no width counts for
nothing. PostgreSQL alone folds (decision 0074), so rows and needles cannot be folded by two rules:
Python's tables of Unicode are of another year.
"""

import re
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

_DOTS = "•‧∙⋅・⸱⸳ꞏᐧᆞ"  # to ·; by compatibility ･ has become ・, and ㆍ has become ᆞ
_HYPHENS = "‐‒–—―⁃−"  # to -
_APOSTROPHES = "‘’‛ʼʹ′"  # to '
# To a space; by compatibility the other blanks have become one.
_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u1680\u2028\u2029"
_DROPPED = (  # controls, and what has no width: code points, first and last
    (0x1, 0x8), (0xE, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F),
    (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
    (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0001, 0xE0001), (0xE0020, 0xE007F), (0xE0100, 0xE01EF),
)  # fmt: skip
# Words of printable ASCII and the Chinese characters of daily use, a space between them, have one
# form but for their case: the shortcut for most.
_PLAIN = "([!-~一-鿿]+( [!-~一-鿿]+)*)?"
_is_plain = re.compile(_PLAIN).fullmatch

# Version 0.3's folding. Rows keep what it made of them: one that folds otherwise is another
# function, and a migration that writes the rows again. The bodies are parsed when they are made, so
# that a restored dump finds what they call.
#
# search_grams_of: the characters and pairs of a folded text, each behind its mark. Beside them
# those that only the replicas of version 0.2 ask for, which lower a text and fold nothing else.
# A loop, since a query over each text's characters takes three times as long.
_FUNCTIONS = """
CREATE OR REPLACE FUNCTION fold_forms(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
CASE WHEN written ~ '^{plain}$' THEN written
     ELSE normalize(btrim(regexp_replace(regexp_replace(translate(
         normalize(written, NFKD), {kinds}, {one}), '{dropped}', '', 'g'), ' +', ' ', 'g')), NFKC)
END;

CREATE OR REPLACE FUNCTION fold_name(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
CASE WHEN written ~ '^{plain}$' THEN lower(written COLLATE "C") COLLATE "default"
     ELSE normalize(regexp_replace(normalize(btrim(regexp_replace(regexp_replace(translate(
         casefold(normalize(written, NFKD) COLLATE pg_unicode_fast), {kinds_i}, {one_i}),
         '{dropped}', '', 'g'), ' +', ' ', 'g')), NFKD),
         U&'i\\0307+', 'i', 'g'), NFKC) COLLATE "default"
END;

CREATE OR REPLACE FUNCTION search_grams_of(mark text, folded text, lowered text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    grams text[] := '{{}}';
    one text;
    before text;
    only_lowered boolean;
    before_only_lowered boolean;
BEGIN
    FOREACH one IN ARRAY coalesce(string_to_array(folded, NULL), '{{}}') LOOP
        grams := grams || (mark || one);
        IF before IS NOT NULL THEN
            grams := grams || (mark || before || one);
        END IF;
        before := one;
    END LOOP;
    IF lowered <> folded THEN
        before := NULL;
        FOREACH one IN ARRAY string_to_array(lowered, NULL) LOOP
            only_lowered := strpos(folded, one) = 0;
            IF only_lowered THEN
                grams := grams || (mark || one);
            END IF;
            IF before IS NOT NULL AND (only_lowered OR before_only_lowered) THEN
                grams := grams || (mark || before || one);
            END IF;
            before := one;
            before_only_lowered := only_lowered;
        END LOOP;
    END IF;
    RETURN ARRAY(SELECT DISTINCT each FROM unnest(grams) AS each ORDER BY each);
END $$;
"""


def make_folding(op: Any) -> None:
    """A migration's step: the functions that fold, once more where they are there."""
    blanks = "".join(f"\\+{ord(blank):06X}" for blank in _BLANKS)
    kinds = f"{_DOTS}{_HYPHENS}{_APOSTROPHES}{blanks}"
    one = "·" * len(_DOTS) + "-" * len(_HYPHENS) + "''" * len(_APOSTROPHES) + " " * len(_BLANKS)
    told = {
        "plain": _PLAIN,
        "kinds": f"U&'{kinds}'",
        "one": f"'{one}'",
        "kinds_i": f"U&'ı{kinds}'",
        "one_i": f"'i{one}'",
        "dropped": f"[{''.join(_range(*each) for each in _DROPPED)}]+",
    }
    for statement in _FUNCTIONS.format(**told).strip().split(";\n\n"):
        op.execute(statement)


def _range(first: int, last: int) -> str:
    """Of a bracket expression, in letters that every editor shows."""
    return f"\\U{first:08X}-\\U{last:08X}"


async def fold_name(connection: Any, written: str) -> str:
    """What a search by a name looks for; `connection` is a session or the driver's."""
    if _is_plain(written):
        return written.lower()
    return await _ask(connection, "fold_name", written)


async def fold_forms(connection: Any, written: str) -> str:
    """The same for a text whose case counts."""
    if _is_plain(written):
        return written
    return await _ask(connection, "fold_forms", written)


async def _ask(connection: Any, function: str, written: str) -> str:
    if isinstance(connection, AsyncSession):
        folded = await connection.scalar(select(getattr(func, function)(written)))
    else:
        folded = await connection.fetchval(f"SELECT {function}($1)", written)
    return str(folded)
