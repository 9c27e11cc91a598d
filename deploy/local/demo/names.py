"""Names of customers and managers: Chinese and English, companies and persons, all made up."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from local.demo import words

ENTERPRISE, PERSONAL = 1, 0  # customer types, as a verification says them
CHINESE_SHARE, COMPANY_SHARE = 0.75, 0.85
TRIES_MAX = 100


@dataclass(frozen=True)
class Name:
    """A name as it is shown, the same in the letters of an account name, and whose it is."""

    shown: str
    letters: str
    customer_type: int


class Namer:
    """Draws names, each at most once."""

    def __init__(self, random: Random):
        self._random = random
        self._used: set[str] = set()

    def customer(self) -> Name:
        """Of anybody who may be a customer."""
        return self._unused(self._any_customer)

    def company(self) -> Name:
        """Of a Chinese company."""
        return self._unused(self._chinese_company)

    def manager(self) -> Name:
        """Of a person who looks after customers (业务员)."""
        return self._unused(self._chinese_person)

    def _unused(self, draw: Callable[[], Name]) -> Name:
        for _ in range(TRIES_MAX):
            name = draw()
            if name.shown not in self._used:
                self._used.add(name.shown)
                return name
        raise ValueError("the word lists are too short for so many names")

    def _any_customer(self) -> Name:
        chinese = self._random.random() < CHINESE_SHARE
        company = self._random.random() < COMPANY_SHARE
        if company:
            return self._chinese_company() if chinese else self._english_company()
        return self._chinese_person() if chinese else self._english_person()

    def _chinese_company(self) -> Name:
        choose = self._random.choice
        first, second = choose(words.BRAND_FIRST), choose(words.BRAND_SECOND)
        trade, form = choose(words.TRADES), choose(words.COMPANY_FORMS)
        shown = f"{first[0]}{second[0]}{trade[0]}{form}"
        return Name(shown, f"{first[1]}{second[1]}-{trade[1]}", ENTERPRISE)

    def _chinese_person(self) -> Name:
        choose = self._random.choice
        surname, last = choose(words.SURNAMES), choose(words.GIVEN_SECOND)
        first = choose([*words.GIVEN_FIRST, ("", "")])
        return Name(
            f"{surname[0]}{first[0]}{last[0]}", f"{surname[1]}-{first[1]}{last[1]}", PERSONAL
        )

    def _english_company(self) -> Name:
        brand, trade = self._english_word(), self._random.choice(words.TRADES_ENGLISH)
        form = self._random.choice(words.FORMS_ENGLISH)
        return Name(f"{brand} {trade} {form}", f"{brand}-{trade}".lower(), ENTERPRISE)

    def _english_person(self) -> Name:
        given, surname = self._random.choice(words.GIVEN_ENGLISH), self._english_word()
        return Name(f"{given} {surname}", f"{given}-{surname}".lower(), PERSONAL)

    def _english_word(self) -> str:
        lists = (words.SYLLABLES_FIRST, words.SYLLABLES_SECOND, words.SYLLABLES_LAST)
        return "".join(self._random.choice(syllables) for syllables in lists)
