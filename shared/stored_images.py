"""Images that were just stored: the task manager says so to whoever listens, before their events are in the queues."""

from pydantic import BaseModel, ConfigDict


class ImagesStored(BaseModel):
    """What is broadcast of a batch. stored_at: when the last of them was taken in, as its event says it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    images_stored: int
    stored_for_team: str
    stored_at: float
