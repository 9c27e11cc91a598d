"""CSV into Parquet: the one module with pyarrow, imported by who makes such a file alone."""

from collections.abc import Mapping
from typing import IO

import pyarrow as pa
from pyarrow import csv, parquet

BLOCK_BYTES = 4 * 1024 * 1024  # read at once
_TYPES = {
    "code": pa.int64(),
    "money": pa.decimal128(38, 2),
    "fee": pa.decimal128(38, 8),
    "quantity": pa.decimal128(38, 10),
    "instant": pa.timestamp("us", tz="UTC"),
}


def write(kinds: Mapping[str, str], rows: IO[bytes], file: IO[bytes]) -> None:
    """The rows below these names, each of its kind; an empty text is not the same as none."""
    types = {name: _TYPES.get(kind, pa.string()) for name, kind in kinds.items()}
    reader = csv.open_csv(
        rows,
        read_options=csv.ReadOptions(column_names=list(types), block_size=BLOCK_BYTES),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,  # an empty text is written as ""
        ),
    )
    with parquet.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
