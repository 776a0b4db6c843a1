import type { ConnectionState, Status, TaskRecord } from "../client.d.ts";
import { Format } from "./format.ts";
import { knownProgress } from "./known_progress.ts";
import { wordsOf } from "./words.ts";

/** What the element knows of a task. */
export interface Known {
  /** The task's record; `null` before the first event. */
  record: TaskRecord | null;
  /** When the record arrived, in milliseconds since the epoch. */
  cameAt: number;
  /** Why there is nothing to show. */
  error: Error | null;
  /** The state of the connection. */
  connection: ConnectionState["state"];
  /** What the task is called; `null` for the name of its kind. */
  label: string | null;
  /** A language tag. */
  language: string;
}

/** What the element shows: text alone, empty where there is none. */
export interface Shown {
  /** The locale of the texts. */
  locale: string;
  /** The task's state, or the element's. */
  state: Status | "loading" | "error";
  label: string;
  /** The name of the bar, for assistive technology. */
  barLabel: string;
  /** The state, in words. */
  status: string;
  /** 0 to 100; `null` while unknown. */
  value: number | null;
  /** The value, in words. */
  percent: string;
  /** How much is done, and how fast. */
  amount: string;
  /** How long the task still takes, or took. */
  time: string;
  /** The task's message, or why it failed. */
  message: string;
  /** Says that what is shown may be out of date. */
  connection: string;
  /** What a screen reader announces when it changes, which is seldom. */
  announce: string;
}

/** Milliseconds past an estimated end after which the estimate is no longer shown. */
const OVERDUE_MS = 3000;

/** The percent from which a task past its estimate is almost done: with less done, it is late. */
const ALMOST = 90;

/** What to show at a time. */
export function describe(known: Known, now: number): Shown {
  const { record, error, connection, language } = known;
  const { words, locale } = wordsOf(language);
  const label = known.label ?? record?.kind ?? "";
  const shown: Shown = {
    locale,
    state: "loading",
    label,
    barLabel: label === "" ? words.loading : words.progressOf(label),
    status: words.loading,
    value: null,
    percent: "",
    amount: "",
    time: "",
    message: "",
    connection: connection === "waiting" ? words.reconnecting : "",
    announce: "",
  };
  if (error !== null) {
    const { unavailable: status } = words;
    return { ...shown, state: "error", status, message: error.message, announce: error.message };
  }
  if (record === null) return shown;
  const { status, done, total, unit, stage } = record;
  const progress = knownProgress(record);
  const format = new Format(locale);
  // A task that waits for its children shows their progress.
  const running = isUnderWay(record);
  const rate = running ? format.rate(record.rate, unit, done !== null) : "";
  const canceling = status === "running" && record.cancel_requested;
  const said = canceling ? words.canceling : words.status[status];
  const untouched = status === "pending" && progress === 0;
  const quarter = Math.floor((progress ?? 0) / 25) * 25;
  return {
    ...shown,
    state: status,
    status: said,
    // Without a total, all that is known of a task is whether it has completed.
    value: progress ?? (status === "completed" ? 100 : running ? null : 0),
    percent: progress === null || untouched ? "" : format.percent(progress),
    amount: [format.amount(done, total, unit), rate].filter(Boolean).join(" · "),
    time: time(known, record, now, format, words),
    message: status === "failed" && record.error
      ? `${record.error.name}: ${record.error.message}`
      : [running ? stage : null, record.message].filter(Boolean).join(": "),
    announce: words.announce(
      label,
      said,
      ...(running && quarter > 0 ? [format.percent(quarter)] : []),
    ),
  };
}

function time(
  { cameAt }: Known,
  record: TaskRecord,
  now: number,
  format: Format,
  words: ReturnType<typeof wordsOf>["words"],
): string {
  const { status, eta_ms, run_at, attempt, started_at, finished_at, waiting_for } = record;
  if (status === "pending") {
    if (Date.parse(run_at) - now < 1000) return "";
    const at = format.time(run_at, now);
    return attempt > 0 ? words.retryAt(at) : words.startsAt(at);
  }
  if (waiting_for && waiting_for.type !== "children") {
    const { type, until } = waiting_for;
    return type === "sleep" && until !== null ? words.goesOnAt(format.time(until, now)) : "";
  }
  if (isUnderWay(record)) {
    if (eta_ms === null) return "";
    const left = eta_ms - (now - cameAt);
    if (left < -OVERDUE_MS) return "";
    if (left >= 500) return words.left(format.duration(Math.max(1000, left)));
    return (knownProgress(record) ?? 0) < ALMOST ? "" : words.almostDone;
  }
  if (started_at === null || finished_at === null) return "";
  return words.took(format.took(Date.parse(finished_at) - Date.parse(started_at)));
}

/** Whether a task or its children run. */
function isUnderWay({ status, waiting_for }: TaskRecord): boolean {
  return status === "running" || waiting_for?.type === "children";
}
