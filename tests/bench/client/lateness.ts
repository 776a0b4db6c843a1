/**
 * How far a task falls behind its schedule, by the times of its steps alone: against the step that
 * was earliest for its number, so that neither its phase nor a late start counts.
 */
export class Lateness {
  #period: number;
  #earliest = Infinity;
  #latest = -Infinity;

  /** @param hz Steps a second; without it nothing is ever late. */
  constructor(hz: number | undefined) {
    this.#period = hz === undefined ? 0 : 1000 / hz;
  }

  /** The most that a step was late, milliseconds. */
  get most(): number {
    return Math.max(0, this.#latest - this.#earliest);
  }

  /** Step `index` was made at `time`, milliseconds. */
  add(index: number, time: number): void {
    if (this.#period === 0) return;
    const offset = time - index * this.#period;
    if (offset < this.#earliest) this.#earliest = offset;
    if (offset > this.#latest) this.#latest = offset;
  }
}
