"""Settings: `BASHU_*` in the environment or an `.env` file; flags of `run.py` come on top."""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from passes.base import forms
from passes.base.faults import faults_of
from passes.base.unreadable import NOT_UTF8
from server.errors import StartError

DriverName = Literal["motor", "pymongo"]


def _listed(written: object) -> object:
    return (
        [each.strip() for each in written.split(",") if each.strip()]
        if isinstance(written, str)
        else written
    )


class Settings(BaseSettings):
    """Everything that can be set, with its default."""

    model_config = SettingsConfigDict(
        env_prefix="BASHU_",
        env_file=".env",
        extra="ignore",
        frozen=True,
    )

    host: str = Field(default="127.0.0.1", min_length=1)
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 picks a free one."""
    workers: int = Field(default=1, ge=1, le=64)
    """How many processes serve; more than one for machines with several cores."""
    data_dir: Path = Path("var")
    """Where keys and the embedded database live."""
    mongo_uri: str | None = Field(default=None, pattern=forms.MONGO_URI)
    """A MongoDB to use, with or without a database name; else the embedded one is started."""
    mongo_driver: DriverName = "pymongo"
    """The driver: PyMongo's own, or Motor, its predecessor."""
    mongo_database: str = Field(default="bashu", pattern=forms.DATABASE)
    """The name of the database, if the URI names none."""
    examples: bool | None = None
    """Whether a new database gets the example products and offers: by default only the embedded one
    does, for elsewhere nobody has agreed to sell them."""
    reload_seconds: float = Field(default=2.0, gt=0, le=60)
    """How often a process asks whether the catalogue, products or gates have changed."""
    drain_seconds: float = Field(default=20.0, ge=0, le=600)
    """How long running requests may take to finish when the process is told to stop."""
    wechat_appid: str | None = Field(default=None, pattern=forms.APPID)
    """The AppID of the mini-program; without it visitors sign in through the sandbox."""
    wechat_secret: SecretStr | None = None
    """Its AppSecret; both or none."""
    wechat_url: str = Field(default="https://api.weixin.qq.com", pattern=forms.ADDRESS)
    """Where WeChat is."""
    carriers_url: str | None = Field(default=None, pattern=forms.ADDRESS)
    """Who vouches for electronic social-security cards and the like; the sandbox does, where there
    is one, and else nobody."""
    sandbox: bool | None = None
    """Whether visitors sign in through the sandbox: never with an AppID; without one by default on
    loopback alone, and elsewhere if this says so."""
    privacy_version: str = Field(default="2026-11", pattern=forms.PRIVACY_VERSION)
    """The version of the privacy statement that visitors agree to; with a new one, newcomers agree
    to that."""
    marks_that_freeze: int = Field(default=3, ge=1, le=100)
    """How often staff see somebody else show a pass before it freezes."""
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_listed)] = ()
    """Addresses or networks, divided by commas, whose `X-Forwarded-For` is believed."""
    connections: int = Field(default=10_000, ge=1, le=1_000_000)
    """How many connections a process keeps open; fewer, if the system lets it open fewer files."""
    connections_per_address: int = Field(default=1_000, ge=1, le=1_000_000)
    """How many of them one address may have, trusted proxies apart; at most half of all."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def key_file(self) -> Path:
        """The key file, mode 0600."""
        return self.data_dir / "keys.json"

    @property
    def uses_sandbox(self) -> bool:
        """Whether visitors sign in through the sandbox."""
        return self.wechat_appid is None

    @property
    def publishes_examples(self) -> bool:
        """Whether a first start publishes the examples."""
        if self.examples is None:
            return self.mongo_uri is None
        return self.examples

    def environment(self) -> dict[str, str]:
        """The environment in which another process finds the same settings."""
        absolute = self.model_copy(update={"data_dir": self.data_dir.absolute()})
        return {
            f"BASHU_{name.upper()}": _written(value)
            for name, value in absolute
            if value is not None
        }

    @model_validator(mode="after")
    def _credentials_or_sandbox(self) -> Self:
        if (self.wechat_appid is None) != (self.wechat_secret is None):
            raise ValueError("BASHU_WECHAT_APPID and BASHU_WECHAT_SECRET go together")
        if self.sandbox is self.uses_sandbox or self.sandbox is None:
            return self
        if self.sandbox:
            raise ValueError("BASHU_SANDBOX cannot be on with real credentials")
        raise ValueError(
            "BASHU_SANDBOX is off, so BASHU_WECHAT_APPID and BASHU_WECHAT_SECRET are needed"
        )


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def load_settings(**flags: object) -> Settings:
    """The settings, with the flags that are not None on top. Raises `StartError` naming what is
    wrong."""
    given = {name: value for name, value in flags.items() if value is not None}
    names = {f"BASHU_{name.upper()}" for name in Settings.model_fields}
    ours = (
        name
        for name in os.environ
        if name.startswith("BASHU_") and not name.startswith("BASHU_TEST_")
    )
    unknown = sorted(name for name in ours if name not in names)
    if unknown:
        raise StartError(f"a setting is wrong: there is no {', '.join(unknown)}")
    try:
        return Settings(**given)  # type: ignore[arg-type] # pydantic checks them
    except ValidationError as error:
        faults = "; ".join(
            f"BASHU_{path.upper()}: {what}" if path else what for path, what in faults_of(error)
        )
        raise StartError(f"a setting is wrong: {faults}") from None
    except UnicodeError:
        raise StartError(f"the file .env cannot be read: {NOT_UTF8}") from None
