const waiting = new Set<() => void>();
const { port1, port2 } = new MessageChannel();

port1.onmessage = () => {
  const due = [...waiting];
  waiting.clear();
  for (const deed of due) deed();
};

/** Does something once the next frame is on its way to the screen; at once where the page is hidden and has no frames. */
export function afterFrame(deed: () => void): void {
  if (document.hidden) {
    deed();
    return;
  }
  if (waiting.size === 0) requestAnimationFrame(() => port2.postMessage(null));
  waiting.add(deed);
}
