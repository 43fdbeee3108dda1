"""The methods by name."""

from collections.abc import Callable, Mapping

from services.consensus.domain import em, glad
from services.consensus.domain.dawid_skene import DawidSkene
from services.consensus.domain.em import EachRound, Estimate, Model, concluded, settle, shares
from services.consensus.domain.exact import Ints
from services.consensus.domain.glad import Glad
from services.consensus.domain.mace import Mace
from services.consensus.domain.one_coin import OneCoin
from services.consensus.domain.votes import Votes

MAJORITY = "majority"
MODELS: Mapping[str, Callable[[Votes], Model]] = {"ds": DawidSkene, "one-coin": OneCoin, "mace": Mace, "glad": Glad}
METHODS = (MAJORITY, *MODELS)


def estimate(
    method: str,
    votes: Votes,
    *,
    known: Ints | None = None,
    rounds: int | None = None,
    each_round: EachRound | None = None,
) -> Estimate:
    """What a method says of the votes. `known`: the true label of each image, NO_LABEL where nobody knows it; they
    teach the models who is right. `rounds` at most, else as many as the method has."""
    if method == MAJORITY:
        return concluded(votes, shares(votes), rounds=0, has_settled=True)
    most, still = (glad.ROUNDS, glad.STILL) if method == "glad" else (em.ROUNDS, em.STILL)
    model = MODELS[method](votes)
    return settle(
        votes, model, rounds=most if rounds is None else rounds, still=still, known=known, each_round=each_round
    )
