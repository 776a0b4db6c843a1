/**
 * The times of a cron pattern of five fields, found slowly but plainly: minute by minute, by what a
 * clock of the time zone shows.
 *
 * @module
 */

const MINUTE = 60_000;

/** What a clock shows at each minute from a day before `from` up to `to`, in milliseconds. */
export interface WalkedClock {
  readonly from: number;
  readonly to: number;
  readonly minutes: readonly { readonly at: number; readonly wall: number }[];
}

export function walkClock(zone: string, from: number, to: number): WalkedClock {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const minutes = [];
  // A clock that is set back shows the same minute again within a day.
  for (let at = from - 24 * 60 * MINUTE; at <= to; at += MINUTE) {
    minutes.push({ at, wall: Date.parse(`${format.format(at).replace(" ", "T")}Z`) });
  }
  return { from, to, minutes };
}

/** The times after the clock's `from`, up to and including its `to`. */
export function cronByWalk(cron: string, { from, to, minutes }: WalkedClock): number[] {
  const everyHour = cron.split(" ")[1] === "*";
  const times: number[] = [];
  const shown = new Set<number>();
  let before = minutes[0]!.wall - MINUTE;
  for (const { at, wall } of minutes) {
    let comes = fits(cron, wall) && (everyHour || !shown.has(wall));
    // The clock was set forward: the times that it skips come now.
    for (let skipped = before + MINUTE; !everyHour && skipped < wall; skipped += MINUTE) {
      comes ||= fits(cron, skipped);
    }
    if (comes && at > from && at <= to) times.push(at);
    shown.add(wall);
    before = wall;
  }
  return times;
}

function fits(cron: string, wall: number): boolean {
  const date = new Date(wall);
  const [minute, hour, day, month, weekday] = cron.split(" ");
  const dayFits = field(day!, date.getUTCDate(), 1, 31);
  const weekdayFits = field(weekday!, date.getUTCDay(), 0, 6);
  // As in cron: if both day fields are restricted, one of them has to match.
  const either = day !== "*" && weekday !== "*" ? dayFits || weekdayFits : dayFits && weekdayFits;
  return either && field(minute!, date.getUTCMinutes(), 0, 59) &&
    field(hour!, date.getUTCHours(), 0, 23) && field(month!, date.getUTCMonth() + 1, 1, 12);
}

function field(text: string, value: number, min: number, max: number): boolean {
  return text.split(",").some((part) => {
    const [range = "*", step = "1"] = part.split("/");
    const [from, to = range.includes("-") ? undefined : range] = range.split("-");
    const low = range === "*" ? min : Number(from);
    const high = range === "*" ? max : Number(to);
    return value >= low && value <= high && (value - low) % Number(step) === 0;
  });
}
