import type { TaskRecord, WaitingFor } from "../../lib/task/record.ts";
import { amount, duration, percent, rate } from "../../static/i18n/format.ts";
import { knownProgress } from "../../static/client/progress/known_progress.ts";
import { cells, cleanLine, cut } from "./text.ts";

/** What a bar shows of a task, or of an upload. */
export type BarRecord = Pick<
  TaskRecord,
  | "status"
  | "progress"
  | "stages"
  | "done"
  | "total"
  | "unit"
  | "stage"
  | "message"
  | "eta_ms"
  | "rate"
  | "run_at"
  | "cancel_requested"
  | "waiting_for"
  | "by"
>;

const SEPARATOR = " · ";
const MAX_BAR = 30;

/** What a task waits for, in words. */
function waitText({ type, name, until }: WaitingFor, now: number): string {
  const left = until === null ? null : duration(Math.max(0, Date.parse(until) - now));
  if (type === "children") return `waits for tasks ${name}`;
  if (type === "turn") return "waits for its turn";
  if (type === "sleep") return left === null ? "asleep" : `asleep for ${left}`;
  return left === null ? `waits for signal ${name}` : `waits for signal ${name}, ${left} at most`;
}

/** Cells of the block that wanders while nobody knows how much there is. */
const BLOCK = 3;

/**
 * A task's progress as one line of at most `width` cells, without control characters. What does
 * not fit is left out, the message is cut.
 *
 * @param now Milliseconds, for what moves by itself.
 * @param age Milliseconds since the record came.
 */
export function bar(record: BarRecord, width: number, now: number, age = 0): string {
  const { done, total, unit, eta_ms, status, stages, waiting_for: waiting } = record;
  const underWay = status === "running" || waiting?.type === "children";
  const progress = knownProgress(record);
  const size = Math.min(MAX_BAR, Math.floor(width / 4));
  const share = progress ??
    (!stages && done !== null && total !== null && total > 0 ? 100 * (done / total) : null);
  let line = status === "pending" ? "pending" : meter(share, size, now);
  if (status !== "pending" && share !== null) line += ` ${percent(share).padStart(4)}`;
  const starts = Date.parse(record.run_at) - now;
  const facts = [
    record.cancel_requested ? "canceling" : null,
    status === "pending" && starts > 1000 ? `starts in ${duration(starts)}` : null,
    waiting === undefined ? null : waitText(waiting, now),
    amount(done, total, unit),
    underWay ? rate(record.rate, unit, done !== null) : null,
    underWay && eta_ms !== null ? `${duration(eta_ms - age)} left` : null,
  ];
  for (const fact of facts) {
    if (fact === null) continue;
    const longer = `${line}${SEPARATOR}${cleanLine(fact)}`;
    if (cells(longer) <= width) line = longer;
  }
  const words = [record.stage, record.message].filter((text) => text !== null).join(": ");
  const room = width - cells(line) - SEPARATOR.length;
  if (words !== "" && room >= 4) line += SEPARATOR + cut(cleanLine(words), room);
  // A unit of combining marks could make the parts narrower than the whole, never wider.
  return cut(line.replaceAll("\u00a0", " "), width);
}

function meter(share: number | null, size: number, now: number): string {
  if (share !== null) {
    const full = Math.floor(size * Math.min(100, Math.max(0, share)) / 100);
    return "█".repeat(full) + "░".repeat(size - full);
  }
  const way = Math.max(1, size - BLOCK);
  const step = Math.floor(now / 100) % (2 * way);
  const at = step < way ? step : 2 * way - step;
  return ("░".repeat(at) + "█".repeat(BLOCK)).padEnd(size, "░").slice(0, size);
}
