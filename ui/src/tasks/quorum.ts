// What a quorum policy will cost, before anybody has voted. The rule is that of the subtask manager's quorum.py, which
// quorum.cases.json holds this file to.

export interface Policy {
  votes_required: number;
  stop: "exact" | "settled" | "lead";
  lead: number;
  min_agreement: number;
  max_votes: number;
}

/** How a vote stands; see `Standing` in quorum.py. */
export interface Standing {
  top: number;
  second: number;
  collected: number;
  is_contested: boolean;
  can_dissent: boolean;
}

export interface Cost {
  /** How many votes an image is expected to take. */
  votes: number;
  /** The share of images that are expected to end in a dispute. */
  disputed: number;
}

export function settles(policy: Policy, now: Standing): "quorum" | "settled" | "lead" | null {
  const left = policy.votes_required - now.collected;
  const hasWinner = now.top > now.second && now.top / now.collected >= policy.min_agreement;
  if (left <= 0) return hasWinner ? "quorum" : null;
  if (policy.stop === "settled" && now.top > 0) {
    const isUnbeatable = now.top > now.second + left || !now.is_contested;
    const worstTop = now.can_dissent ? now.top : now.top + left;
    if (isUnbeatable && worstTop / policy.votes_required >= policy.min_agreement) return "settled";
  }
  if (policy.stop === "lead" && hasWinner && now.top - now.second >= policy.lead) return "lead";
  return null;
}

export function isDisputed(policy: Policy, now: Standing): boolean {
  if (policy.stop === "exact" && now.collected < policy.votes_required) return false;
  for (let count = 1; count <= policy.max_votes - now.collected; count++) {
    const later = { ...now, top: now.top + count, collected: now.collected + count };
    if (settles(policy, later)) return false;
  }
  return true;
}

/** Up to so many votes every way in which the rivals can share theirs is followed; there are 1,575 of 24 votes. */
const FOLLOWED_EACH = 24;

/**
 * The cost if each voter names the right label with probability `alike`, and else any other, all alike.
 * Above 24 votes all who dissent are taken to agree with each other, which costs a little more than it will.
 */
export function expectedCost(
  policy: Policy,
  { labels, alike, allowUnsure }: { labels: number; alike: number; allowUnsure: boolean },
): Cost {
  const rivals = policy.max_votes > FOLLOWED_EACH ? Math.min(1, labels - 1) : labels - 1;
  const right = rivals > 0 ? alike : 1;
  let standings = new Map<string, Reached>([["", { right: 0, rivals: [], probability: 1 }]]);
  const cost: Cost = { votes: 0, disputed: 0 };
  for (let collected = 0; standings.size > 0 && collected <= policy.max_votes; collected++) {
    const next = new Map<string, Reached>();
    for (const reached of standings.values()) {
      const counts = [reached.right, ...reached.rivals].sort((a, b) => b - a);
      const now: Standing = {
        top: counts[0] ?? 0,
        second: counts[1] ?? 0,
        collected,
        is_contested: labels > 1,
        can_dissent: labels > 1 || allowUnsure,
      };
      const isSettled = collected > 0 && settles(policy, now) !== null;
      if (isSettled || isDisputed(policy, now)) {
        cost.votes += collected * reached.probability;
        if (!isSettled) cost.disputed += reached.probability;
        continue;
      }
      vote(next, reached, right, rivals);
    }
    standings = next;
  }
  return cost;
}

interface Reached {
  right: number;
  /** How many votes each rival has, most first; rivals without votes are left out. */
  rivals: number[];
  probability: number;
}

function vote(next: Map<string, Reached>, from: Reached, right: number, rivals: number): void {
  add(next, { ...from, right: from.right + 1, probability: from.probability * right });
  if (rivals === 0) return;
  const each = (from.probability * (1 - right)) / rivals;
  from.rivals.forEach((count, position) => {
    const raised = from.rivals.with(position, count + 1).sort((a, b) => b - a);
    add(next, { right: from.right, rivals: raised, probability: each });
  });
  const unnamed = rivals - from.rivals.length;
  if (unnamed > 0) {
    add(next, { right: from.right, rivals: [...from.rivals, 1], probability: each * unnamed });
  }
}

function add(standings: Map<string, Reached>, reached: Reached): void {
  if (reached.probability === 0) return;
  const key = `${reached.right}:${reached.rivals.join()}`;
  const before = standings.get(key);
  if (before) before.probability += reached.probability;
  else standings.set(key, reached);
}
