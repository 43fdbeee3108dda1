/** The ring of the quorum mark: one arc for each vote that the policy asks for, clockwise from the top. */
const GAP_RADIANS = 0.2;

/** The path of each arc, in a box of `size` with a stroke of `stroke`. */
export function arcs(count: number, size: number, stroke: number): string[] {
  const radius = (size - stroke) / 2 - size * 0.028;
  const gap = count > 1 ? Math.min(GAP_RADIANS, Math.PI / count) : 0.002;
  const turn = (2 * Math.PI) / count;
  return Array.from({ length: count }, (_, index) =>
    arc(size / 2, radius, index * turn + gap / 2, (index + 1) * turn - gap / 2),
  );
}

function arc(centre: number, radius: number, from: number, to: number): string {
  const at = (angle: number) =>
    `${(centre + radius * Math.sin(angle)).toFixed(2)} ${(centre - radius * Math.cos(angle)).toFixed(2)}`;
  return `M${at(from)}A${radius} ${radius} 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to)}`;
}
