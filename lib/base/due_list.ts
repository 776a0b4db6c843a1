/** Things that are due so many milliseconds after they were added, in that order: one timer for all. */
export class DueList<T> implements Disposable {
  readonly #afterMs: number;
  readonly #ondue: (item: T) => void;
  /** When each is due, by a clock that nobody sets. */
  readonly #items = new Map<T, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(afterMs: number, ondue: (item: T) => void) {
    this.#afterMs = afterMs;
    this.#ondue = ondue;
  }

  /** Adds one; one that is there keeps its time. */
  add(item: T): void {
    if (this.#items.has(item)) return;
    this.#items.set(item, performance.now() + this.#afterMs);
    this.#timer ??= setTimeout(() => this.#tick(), this.#afterMs);
  }

  delete(item: T): void {
    this.#items.delete(item);
  }

  /** The one that is due first. */
  get first(): T | undefined {
    for (const item of this.#items.keys()) return item;
    return undefined;
  }

  #tick(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [item, at] of this.#items) {
      if (at > now) {
        this.#timer = setTimeout(() => this.#tick(), at - now);
        return;
      }
      this.#items.delete(item);
      this.#ondue(item);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#items.clear();
  }
}
