/** The stages of an answer, as the `Server-Timing` header has them: `decode;dur=3.1, queue;dur=0.4`. */
export interface Stage {
  name: string;
  ms: number;
}

export function stagesOf(header: string | null): Stage[] {
  return (header ?? "").split(",").flatMap((part) => {
    const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim());
    const duration = parameters.find((parameter) => parameter.startsWith("dur="))?.slice(4);
    const ms = Number(duration);
    return name && duration && Number.isFinite(ms) ? [{ name, ms }] : [];
  });
}
