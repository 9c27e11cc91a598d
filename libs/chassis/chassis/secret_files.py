"""Each secret setting may stand in a file: `DATABASE_URL_FILE` names the one with DATABASE_URL.

A file is read when the process starts. It may end with a line break, which is no part of it.
"""

import os
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

ENDING = "_FILE"
BYTES_MAX = 64 * 1024


class SecretFileError(ValueError):
    """The file of a secret setting says nothing, or something beside it says another thing."""


def is_secret(field: FieldInfo) -> bool:
    """Whether the setting is kept secret, or is the name that belongs to a secret."""
    kinds = {field.annotation, *get_args(field.annotation)}
    extra = field.json_schema_extra
    return SecretStr in kinds or (isinstance(extra, dict) and extra.get("with_secret") is True)


def file_of(name: str) -> Path | None:
    """Where the setting's value stands, if in a file."""
    path = os.environ.get(name.upper() + ENDING)
    return Path(path) if path else None


def read_secret(path: Path, name: str) -> str:
    """What the file says.

    Raises:
        SecretFileError: it cannot be read, or is empty.

    """
    variable = name.upper() + ENDING
    try:
        with path.open("rb") as file:
            text = file.read(BYTES_MAX).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileError(f"{variable}={path} cannot be read: {error}") from error
    if not (value := text.strip("\r\n")):
        raise SecretFileError(f"{variable}={path} is empty")
    return value


class SecretFiles(PydanticBaseSettingsSource):
    """A source of settings, beside the environment."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Of one setting; None where no file is named."""
        path = file_of(field_name) if is_secret(field) else None
        if path is None:
            return None, field_name, False
        if os.environ.get(field_name.upper()):
            name = field_name.upper()
            raise SecretFileError(f"{name} and {name}{ENDING} are both set; leave one out")
        return read_secret(path, field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All that stand in files."""
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def with_files(
    settings_class: type[BaseSettings],
    given: PydanticBaseSettingsSource,
    environment: PydanticBaseSettingsSource,
) -> tuple[PydanticBaseSettingsSource, ...]:
    """The sources of a service's settings, the strongest first."""
    return given, environment, SecretFiles(settings_class)
