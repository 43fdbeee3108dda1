"""What the embedded platform can be told, by environment variables with the prefix `QUORATE_`."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.task_manager.archives import ArchiveLimits
from shared.errors import QuorateError
from shared.pictures import PictureLimits


class UnsafeSettings(QuorateError):
    """The platform would be open to strangers as it is set up."""


class Settings(BaseSettings):
    """Settings of the embedded platform; the defaults are safe on one machine."""

    model_config = SettingsConfigDict(env_prefix="QUORATE_", frozen=True, extra="ignore")

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port to listen on; 0: any free one")] = 8080
    data_dir: Annotated[Path, Field(description="where images and databases are kept")] = Path("quorate-data")
    auth: Annotated[
        Literal["off"] | None,
        Field(
            description="`off`: callers are who they say they are; must be set by hand to listen beyond this machine"
        ),
    ] = None
    allowed_hosts: Annotated[
        str, Field(description="host names that requests may name beside this machine's, comma separated; `*`: any")
    ] = ""
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="the least severe log lines to write")
    ] = "info"
    model: Annotated[
        Path | None,
        Field(description="detection model: a Darknet `.cfg` with its `.weights` beside it; none: no detector"),
    ] = None
    detector_threads: Annotated[int, Field(ge=1, le=64, description="pictures the detector looks at at a time")] = 1
    lease_s: Annotated[float, Field(gt=0, le=86_400, description="how long a lease lives, in seconds")] = 300.0
    image_url_s: Annotated[
        int, Field(ge=60, le=604_800, description="how long an image's URL lives at the least, in seconds")
    ] = 3600
    image_cache_bytes: Annotated[
        int, Field(ge=0, description="how much of the images used last is kept in memory, in bytes")
    ] = 64_000_000
    max_uploads: Annotated[int, Field(ge=1, le=1000, description="uploads at a time; more are told to come back")] = 16
    max_image_bytes: Annotated[int, Field(ge=1, description="size of one picture, in bytes")] = 20_000_000
    max_image_pixels: Annotated[int, Field(ge=1, description="width times height of one picture")] = 25_000_000
    max_image_side: Annotated[int, Field(ge=1, description="width or height of one picture, in pixels")] = 10_000
    max_archive_entries: Annotated[int, Field(ge=1, description="entries of one zip")] = 10_000
    max_archive_bytes: Annotated[int, Field(ge=1, description="size of one zip, packed and unpacked, in bytes")] = (
        2_000_000_000
    )
    max_archive_ratio: Annotated[int, Field(ge=1, description="how many times its own size a zip may unpack to")] = 100
    delivery_limit: Annotated[
        int, Field(ge=1, le=1000, description="how often an event is tried before it is a dead letter")
    ] = 10

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the platform."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> frozenset[str]:
        """Host names that requests may be addressed to. Names beyond this machine's keep out pages that rebind DNS."""
        named = {name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip()}
        if not self.is_local and not named:
            return frozenset({"*"})
        return frozenset({"127.0.0.1", "localhost", "[::1]", self.host.lower(), *named})

    @property
    def picture_limits(self) -> PictureLimits:
        return PictureLimits(
            max_bytes=self.max_image_bytes, max_pixels=self.max_image_pixels, max_side=self.max_image_side
        )

    @property
    def archive_limits(self) -> ArchiveLimits:
        return ArchiveLimits(
            max_entries=self.max_archive_entries,
            max_unpacked_bytes=self.max_archive_bytes,
            max_entry_bytes=self.max_image_bytes,
            max_ratio=self.max_archive_ratio,
        )

    def refuse_if_unsafe(self) -> None:
        """Raises UnsafeSettings where strangers could reach a platform that asks nobody who they are."""
        if not self.is_local and self.auth != "off":
            raise UnsafeSettings(
                f"{self.host} can be reached from other machines, and there is no authentication yet: listen on"
                " 127.0.0.1, or set QUORATE_AUTH=off if everyone who can reach it may do everything"
            )
