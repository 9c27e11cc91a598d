"""How the catalogue calls what stands on a line, in the caller's language."""

from dataclasses import dataclass

from billing.prices.catalogue import Catalogue
from wire.codes import CHINESE, language_of

YEAR, MONTH, DAY, HOUR = 19, 20, 24, 25  # period_type of bills
_PERIODS = {
    YEAR: ("年", "year"),
    MONTH: ("月", "month"),
    DAY: ("天", "day"),
    HOUR: ("小时", "hour"),
}
_CURRENCIES = {"CNY": ("元", "CNY"), "USD": ("美元", "USD")}


@dataclass(frozen=True, slots=True)
class Names:
    """Of one catalogue in one language; what it does not know has the line's own name."""

    catalogue: Catalogue
    is_chinese: bool

    @classmethod
    def told(cls, catalogue: Catalogue, language: str | None) -> "Names":
        """As X-Language says; Chinese without one."""
        return cls(catalogue, language_of(language, CHINESE) == CHINESE)

    def region(self, code: str) -> str | None:
        """The region's name."""
        for region in self.catalogue.regions:
            if region.code == code:
                return region.name if self.is_chinese else region.name_en or region.name
        return None

    def service(self, code: str, own: str) -> str:
        """The service's name; `own` is what the line calls it."""
        found = self.catalogue.service_by_code.get(code)
        return own if found is None or self.is_chinese else found.name_en

    def resource(self, code: str, own: str) -> str:
        """The resource type's name."""
        found = self.catalogue.resource_by_code.get(code)
        return own if found is None or self.is_chinese else found.name_en

    def product(self, product_id: str, own: str | None) -> str | None:
        """The product's description."""
        found = self.catalogue.by_id.get(product_id)
        if found is None or (self.is_chinese and own):
            return own
        return found.description if self.is_chinese else found.description_en or found.description

    def unit(self, currency: str, period_type: int | None, size_measure_id: int | None) -> str:
        """The unit of a price, such as 元/GB/小时; by the hour where there is no period."""
        index = 0 if self.is_chinese else 1
        period = _PERIODS.get(period_type or HOUR, _PERIODS[HOUR])[index]
        parts = [_CURRENCIES.get(currency, (currency, currency))[index]]
        if size_measure_id is not None:
            parts += [m.abbreviation for m in self.catalogue.measures if m.id == size_measure_id]
        return "/".join([*parts, period])
