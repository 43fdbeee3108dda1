/** A value that others can watch; the label path uses it without React, components through `useStore`. */
export interface Readable<T> {
  get(): T;
  subscribe(heard: () => void): () => void;
}

export interface Store<T> extends Readable<T> {
  set(value: T): void;
}

export function store<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const heard of [...listeners]) heard();
    },
    subscribe(heard) {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
  };
}

/** A store whose value outlives the page where the browser lets it; `read` makes a value of whatever is stored. */
export function kept<T>(key: string, read: (stored: unknown) => T): Store<T> {
  const watched = store(read(stored(key)));
  watched.subscribe(() => write(key, watched.get()));
  addEventListener("storage", (event) => {
    if (event.key === key) watched.set(read(stored(key)));
  });
  return watched;
}

function stored(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null; // blocked storage, or another program's value under the key
  }
}

function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Blocked or full: the value lives as long as the page.
  }
}
