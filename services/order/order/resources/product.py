"""What a resource is: a size or specification of something that is sold."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Product:
    """As the catalogue calls it, with a size where it is sold by size."""

    product_id: str
    product_spec_desc: str | None
    resource_spec_code: str
    measure_size: Decimal | None
    size_measure_id: int | None
