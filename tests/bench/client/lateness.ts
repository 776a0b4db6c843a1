/**
 * How far a task falls behind its schedule, by the times of its steps alone. They are compared with
 * the step that was earliest for its number, so that neither phase nor a late start counts.
 */
export class Lateness {
  #period: number;
  #earliest = Infinity;
  #latest = -Infinity;

  /** @param hz Steps a second; without it nothing is ever late. */
  constructor(hz: number | undefined) {
    this.#period = hz === undefined ? 0 : 1000 / hz;
  }

  /** Milliseconds by which the latest step was late. */
  get most(): number {
    return Math.max(0, this.#latest - this.#earliest);
  }

  /** Notes that step `index` was made at `time`, in milliseconds. */
  add(index: number, time: number): void {
    if (this.#period === 0) return;
    const offset = time - index * this.#period;
    if (offset < this.#earliest) this.#earliest = offset;
    if (offset > this.#latest) this.#latest = offset;
  }
}
