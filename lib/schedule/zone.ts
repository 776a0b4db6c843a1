/**
 * The wall clock of a time zone: which time it shows at an instant, and at which instant it shows a
 * time. A wall time is what a clock on the wall shows, in milliseconds as if it were UTC.
 *
 * @module
 */

const DAY_MS = 24 * 3600_000;

/** Clocks change at whole quarters of an hour, so an offset stays the same within one. */
const QUARTER_MS = 900_000;

/** Most offsets that are remembered for a zone. */
const MAX_KNOWN = 1000;

/** Most zones that are kept: each takes some hundred kilobytes. */
const MAX_ZONES = 50;

const zones = new Map<string, Zone>();

export class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #known = new Map<number, number>();

  /**
   * Usually returns the same object for the same name.
   *
   * @throws {RangeError} If there is no zone of this name.
   */
  static of(name: string): Zone {
    const found = zones.get(name);
    if (found) return found;
    const zone = new Zone(name);
    if (zones.size >= MAX_ZONES) zones.clear();
    zones.set(name, zone);
    return zone;
  }

  private constructor(name: string) {
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** Milliseconds by which the wall clock is ahead of UTC. */
  offsetAt(instant: number): number {
    const quarter = Math.floor(instant / QUARTER_MS);
    const known = this.#known.get(quarter);
    if (known !== undefined) return known;
    const at = quarter * QUARTER_MS;
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(at)) part[type] = Number(value);
    const { year = 0, month = 1, day, hour, minute, second } = part;
    const offset = Date.UTC(year, month - 1, day, hour, minute, second) - at;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(quarter, offset);
    return offset;
  }

  wallAt(instant: number): number {
    return instant + this.offsetAt(instant);
  }

  /**
   * The first instant at which the clock shows `wall`; if it never does, since it was put forward past
   * it, the instant of that change.
   */
  instantOf(wall: number): number {
    const [before, after] = [this.offsetAt(wall - DAY_MS), this.offsetAt(wall + DAY_MS)];
    const instants = [wall - before, wall - after].sort((a, b) => a - b);
    const shown = instants.find((instant) => this.wallAt(instant) === wall);
    return shown ?? this.changeIn(instants[0]! - 1, instants[1]!) ?? instants[1]!;
  }

  /** The first instant of the next offset, in a span with at most one change; `null` for none. */
  changeIn(after: number, until: number): number | null {
    const offset = this.offsetAt(after);
    if (this.offsetAt(until) === offset) return null;
    let [low, high] = [after, until];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle) === offset) low = middle;
      else high = middle;
    }
    return high;
  }
}
