const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]] as const;

/** Formats numbers, sizes and times for a locale. */
export class Format {
  readonly #locale: string;

  /** `locale` must be valid. */
  constructor(locale: string) {
    this.#locale = locale;
  }

  /** Whole percent, rounded down: 99.9 is not shown as 100. */
  percent(value: number): string {
    const shown = value < 100 ? Math.max(0, Math.min(99, Math.floor(value))) : 100;
    return this.#number(shown / 100, { style: "percent" });
  }

  /** How much is done: `7 / 10 steps`; empty if nothing is counted. */
  amount(done: number | null, total: number | null, unit: string | null): string {
    if (done === null) return "";
    if (unit === "bytes") {
      const goal = total === null ? "" : ` / ${this.#bytes(total)}`;
      return this.#bytes(done) + goal;
    }
    const count = [done, total].filter((it) => it !== null).map((it) => this.#number(it!));
    return count.join(" / ") + (unit === null ? "" : ` ${unit}`);
  }

  /** Units per second, or percent if no units are counted; empty if there is no rate. */
  rate(perSecond: number | null, unit: string | null, counted: boolean): string {
    if (perSecond === null || perSecond <= 0) return "";
    if (unit === "bytes") return `${this.#bytes(perSecond)}/s`;
    const value = this.#number(perSecond, { maximumSignificantDigits: 2 });
    return counted ? `${value}${unit === null ? "" : ` ${unit}`}/s` : `${value}%/s`;
  }

  /** A duration that is running, in whole seconds and at most two units. */
  duration(ms: number): string {
    let rest = Math.max(0, Math.round(ms / 1000));
    const first = UNITS.findIndex(([, size]) => rest >= size);
    if (first < 0) return this.#unit(0, "second");
    const shown: string[] = [];
    for (const [unit, size] of UNITS.slice(first, first + 2)) {
      const count = Math.floor(rest / size);
      rest -= count * size;
      if (count > 0) shown.push(this.#unit(count, unit));
    }
    return shown.join(" ");
  }

  /** A duration that is over, with a decimal place if it is below ten seconds. */
  took(ms: number): string {
    if (ms >= 10_000) return this.duration(ms);
    return this.#unit(Math.max(0, ms) / 1000, "second", { maximumFractionDigits: 1 });
  }

  /** The time of day, with the date if it is not today. */
  time(iso: string, now: number): string {
    const date = new Date(iso);
    const today = date.toDateString() === new Date(now).toDateString();
    return new Intl.DateTimeFormat(this.#locale, {
      timeStyle: "short",
      ...(today ? {} : { dateStyle: "medium" }),
    }).format(date);
  }

  #bytes(value: number): string {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    let power = 0;
    for (; value >= 999.95 && power < units.length - 1; value /= 1000) power++;
    const digits = power === 0 ? 0 : 1;
    return this.#unit(value, units[power]!, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
  }

  #unit(value: number, unit: string, more: Intl.NumberFormatOptions = {}): string {
    const unitDisplay = unit.endsWith("byte") ? "short" : "narrow";
    return this.#number(value, { style: "unit", unit, unitDisplay, ...more });
  }

  #number(value: number, options: Intl.NumberFormatOptions = {}): string {
    return new Intl.NumberFormat(this.#locale, { maximumFractionDigits: 2, ...options }).format(
      value,
    );
  }
}
