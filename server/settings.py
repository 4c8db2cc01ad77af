"""Settings: `BASHU_*` in the environment or in an `.env` file; the flags of `run.py` come on top."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from scenic_data.validation import faults_of
from server.errors import StartError

DriverName = Literal["motor", "pymongo"]


class Settings(BaseSettings):
    """Everything that can be set, with its default."""

    model_config = SettingsConfigDict(
        env_prefix="BASHU_", env_file=".env", extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    host: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 picks a free one."""
    workers: int = Field(default=1, ge=1, le=64)
    """How many processes serve; more than one for machines with several cores."""
    data_dir: Path = Path("var")
    """Where keys and the embedded database live."""
    mongo_uri: str | None = Field(default=None, pattern=r"^mongodb(\+srv)?://")
    """A MongoDB to use, with or without a database name; without it the embedded database is started."""
    mongo_driver: DriverName = "motor"
    """The driver: Motor, or its successor in PyMongo."""
    mongo_database: str = Field(default="bashu", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    """The name of the database, if the URI names none."""
    reload_seconds: float = Field(default=2.0, gt=0, le=60)
    """How often a process asks whether the catalogue, products or gates have changed."""
    drain_seconds: float = Field(default=20.0, ge=0, le=600)
    """How long running requests may take to finish when the process is told to stop."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def key_file(self) -> Path:
        """The key file, mode 0600."""
        return self.data_dir / "keys.json"

    def environment(self) -> dict[str, str]:
        """The environment in which another process finds the same settings."""
        absolute = self.model_copy(update={"data_dir": self.data_dir.absolute()})
        return {f"BASHU_{name.upper()}": str(value) for name, value in absolute if value is not None}


def load_settings(**flags: object) -> Settings:
    """The settings, with the flags that are not None on top. Raises `StartError` naming what is wrong."""
    given = {name: value for name, value in flags.items() if value is not None}
    names = {f"BASHU_{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith("BASHU_") and name not in names)
    if unknown:
        raise StartError(f"a setting is wrong: there is no {', '.join(unknown)}")
    try:
        return Settings(**given)  # type: ignore[arg-type] # pydantic checks them
    except ValidationError as error:
        faults = "; ".join(f"BASHU_{path.upper()}: {what}" for path, what in faults_of(error))
        raise StartError(f"a setting is wrong: {faults}") from None
