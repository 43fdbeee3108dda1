/** The stages of an answer, as the `Server-Timing` header has them: `decode;dur=3.1, queue;dur=0.4`. */
export interface Stage {
  name: string;
  ms: number;
}

/** The stages of an answer that took so long in all; the time of none of them went by on the way. */
export function stagesOf(header: string | null, tookMs: number): Stage[] {
  const stages = parsed(header ?? "");
  if (stages.length === 0) return [];
  const there = stages.reduce((sum, { ms }) => sum + ms, 0);
  return [{ name: "upload", ms: Math.max(tookMs - there, 0) }, ...stages];
}

function parsed(header: string): Stage[] {
  return header.split(",").flatMap((part) => {
    const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim());
    const duration = parameters.find((parameter) => parameter.startsWith("dur="))?.slice(4);
    const ms = Number(duration);
    return name && duration && Number.isFinite(ms) ? [{ name, ms }] : [];
  });
}
