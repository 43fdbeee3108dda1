"""How much is estimated at once: what keeps time and memory within bounds."""

from services.consensus.domain.votes import Votes

MAX_VOTES = 5_000_000
MAX_POSTERIOR_CELLS = 20_000_000
"""Images times labels."""
MAX_CONFUSION_CELLS = 50_000_000
"""Voters times labels times labels: what Dawid-Skene knows of voters."""
MAX_HABIT_CELLS = 20_000_000
"""Voters times labels: what MACE knows of them."""


def why_too_large(votes: Votes) -> str | None:
    """Why these votes have no estimate by any method."""
    if votes.count > MAX_VOTES:
        return f"there are {votes.count} votes, and at most {MAX_VOTES} are taken"
    if votes.images * votes.labels > MAX_POSTERIOR_CELLS:
        return (
            f"{votes.images} images with {votes.labels} labels are too many: "
            f"their product may be {MAX_POSTERIOR_CELLS} at most"
        )
    return None


def why_not(method: str, votes: Votes) -> str | None:
    """Why this method has no estimate of votes that others can do."""
    if method == "ds" and votes.voters * votes.labels**2 > MAX_CONFUSION_CELLS:
        return f"not for so many labels: {votes.voters} voters with {votes.labels} labels"
    if method == "mace" and votes.voters * votes.labels > MAX_HABIT_CELLS:
        return f"not for so many voters: {votes.voters} with {votes.labels} labels"
    return None
