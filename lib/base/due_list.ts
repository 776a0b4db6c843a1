/** Milliseconds of a slice of time: what is due in the same one comes together. */
const GRAIN_MS = 40;

export interface DueOptions {
  /** Least milliseconds after which an item is due. */
  fromMs: number;
  /** Most milliseconds: items are spread between the two at random. @default {fromMs} */
  toMs?: number;
  /** 0 to below 1. @default {Math.random} */
  random?: () => number;
}

/** Items that are due some time after they were added. They share one timer. */
export class DueList<T> implements Disposable {
  readonly #options: DueOptions;
  readonly #ondue: (item: T) => void;
  /** The slice in which each item is due, by a monotonic clock. */
  readonly #slices = new Map<T, number>();
  readonly #due = new Map<number, Set<T>>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The last slice whose items were handled. */
  #over = 0;

  constructor(options: DueOptions, ondue: (item: T) => void) {
    this.#options = options;
    this.#ondue = ondue;
  }

  /** Adds an item; one that was added before keeps its time. */
  add(item: T): void {
    if (this.#slices.has(item)) return;
    const { fromMs, toMs = fromMs, random = Math.random } = this.#options;
    const at = performance.now() + fromMs + (toMs - fromMs) * random();
    const slice = Math.ceil(at / GRAIN_MS);
    this.#slices.set(item, slice);
    const due = this.#due.get(slice);
    if (due) due.add(item);
    else this.#due.set(slice, new Set([item]));
    if (this.#timer !== undefined) return;
    this.#over = sliceNow();
    this.#timer = setInterval(() => this.#tick(), GRAIN_MS);
  }

  delete(item: T): void {
    const slice = this.#slices.get(item);
    if (slice === undefined) return;
    this.#slices.delete(item);
    this.#due.get(slice)?.delete(item);
  }

  /** The item that was added first. */
  get first(): T | undefined {
    for (const item of this.#slices.keys()) return item;
    return undefined;
  }

  #tick(): void {
    for (const now = sliceNow(); this.#over < now;) {
      const slice = ++this.#over;
      const due = this.#due.get(slice) ?? [];
      this.#due.delete(slice);
      for (const item of due) this.#slices.delete(item);
      for (const item of due) this.#ondue(item);
    }
    if (this.#due.size === 0) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#slices.clear();
    this.#due.clear();
  }
}

function sliceNow(): number {
  return Math.floor(performance.now() / GRAIN_MS);
}
