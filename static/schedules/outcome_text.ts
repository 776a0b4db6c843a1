import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import type { Outcome } from "./schedule.ts";
import { shortTime } from "./schedule_time.ts";
import { scheduleWords } from "./words.ts";

/** The outcome of a scheduled time, as a sentence. */
export function outcomeText(outcome: Outcome): string {
  const words = scheduleWords();
  if (outcome.type === "task") {
    const { scheduled_for, at, status } = outcome;
    const is = status === null ? words.gone : strings.status[status];
    return scheduled_for === null
      ? words.asked(shortTime(at), is)
      : words.runOf(shortTime(scheduled_for), is);
  }
  const { from, to, count, more, reason, run } = outcome;
  const why = reason === "overlap"
    ? words.why.overlap(run === undefined ? null : shortTime(run))
    : words.why[reason];
  if (count === 1) return words.skips(shortTime(from), why);
  const many = more ? words.atLeast(number(count)) : number(count);
  return words.skipsMany(many, shortTime(from), shortTime(to), why);
}
