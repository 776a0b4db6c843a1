/**
 * Which tasks the list shows: its filters as a query of the page's address, as a query of the API,
 * and as a test of tasks that arrive in the stream.
 *
 * @module
 */

import type { Status, TaskRecord } from "../../lib/task/record.ts";

/** Every state, in the order of the chips. */
export const STATUSES: readonly Status[] = [
  "running",
  "waiting",
  "pending",
  "completed",
  "failed",
  "canceled",
];

const HOUR_MS = 3_600_000;

/** The lengths of the ranges that end now, in milliseconds. */
export const RANGES = { "1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 7 * 24 * HOUR_MS } as const;

/** When a task was submitted: any time, one of {@link RANGES}, or from one time to another. */
export type Since = "" | keyof typeof RANGES | "custom";

export interface Filters {
  /** Tasks in any of these states; empty for all. */
  readonly statuses: readonly Status[];
  /** Empty for all. */
  readonly kind: string;
  /** Empty for all. */
  readonly owner: string;
  /** Tasks with all of these tags; empty for all tasks. */
  readonly tags: readonly string[];
  /** Only the children of this task, by its id; empty for all tasks. */
  readonly parent: string;
  /** Also show children, which are hidden unless another filter asks for them. */
  readonly children: boolean;
  /** What id, kind, stage, message or error must contain; empty for all. */
  readonly text: string;
  readonly since: Since;
  /** With `custom`, the first time, ISO 8601; empty for no bound. */
  readonly from: string;
  /** With `custom`, the time before which they were submitted, ISO 8601; empty for no bound. */
  readonly to: string;
}

export const NO_FILTERS: Filters = {
  statuses: [],
  kind: "",
  owner: "",
  tags: [],
  parent: "",
  children: false,
  text: "",
  since: "",
  from: "",
  to: "",
};

/** Parses the query of an address, and ignores what is not valid. */
export function parseFilters(query: URLSearchParams): Filters {
  const statuses = (query.get("status") ?? "").split(",");
  const since = query.get("since") ?? "";
  return {
    statuses: STATUSES.filter((status) => statuses.includes(status)),
    kind: query.get("kind") ?? "",
    owner: query.get("owner") ?? "",
    tags: [...new Set(query.getAll("tag").flatMap((tags) => tags.split(",")).filter(Boolean))],
    parent: query.get("parent") ?? "",
    children: query.get("children") === "1",
    text: query.get("q") ?? "",
    since: since === "custom" || Object.hasOwn(RANGES, since) ? since as Since : "",
    from: since === "custom" ? time(query.get("from")) : "",
    to: since === "custom" ? time(query.get("to")) : "",
  };
}

/** The query that {@link parseFilters} reads; without what is not set. */
export function formatFilters(filters: Filters): URLSearchParams {
  const { statuses, kind, owner, tags, parent, text, since, from, to } = filters;
  const labels = { owner, tag: tags.join(","), parent, children: filters.children ? "1" : "" };
  const parts = { status: statuses.join(","), kind, ...labels, q: text, since, from, to };
  return new URLSearchParams(Object.entries(parts).filter(([, value]) => value !== ""));
}

/** Whether children are hidden: they are not where a kind, a parent or a text may mean one of them. */
export function hidesChildren({ children, kind, parent, text }: Filters): boolean {
  return !children && kind === "" && parent === "" && text.trim() === "";
}

/** Tasks by state, as `GET /tasks/counts` responds. */
type Known = Readonly<Record<Status | "limit", number>> & { readonly partial?: true };

/**
 * How many children in these states are hidden: all tasks less those that are shown; `null` if none.
 */
export function hiddenCount(
  shown: Known,
  all: Known,
  statuses: readonly Status[],
): { count: number; more: boolean } | null {
  let count = 0;
  let more = shown.partial === true || all.partial === true;
  for (const status of statuses) {
    count += Math.max(0, all[status] - shown[status]);
    more ||= all[status] >= all.limit;
  }
  return count === 0 ? null : { count, more };
}

export function isUnfiltered(filters: Filters): boolean {
  return formatFilters(filters).size === 0;
}

/** The bounds of the time of submission when it is `now`; ISO 8601, empty for no bound. */
export function timeBounds(
  { since, from, to }: Filters,
  now: number,
): { from: string; to: string } {
  if (since === "" || since === "custom") return { from, to };
  return { from: new Date(now - RANGES[since]).toISOString(), to: "" };
}

/** The query of `GET /tasks` for these filters. */
export function apiQuery(filters: Filters, now: number): Record<string, string> {
  const { statuses, kind, owner, tags, parent, text } = filters;
  const { from, to } = timeBounds(filters, now);
  return Object.fromEntries(
    Object.entries({
      status: statuses.join(","),
      kind,
      owner,
      tag: tags.join(","),
      parent: hidesChildren(filters) ? "none" : parent,
      q: text.trim(),
      created_after: from,
      created_before: to,
    }).filter(([, value]) => value !== ""),
  );
}

/** The `filter` of `POST /tasks/bulk` for these filters. */
export function bulkFilter(filters: Filters, now: number): Record<string, string | string[]> {
  const lists = ["status", "kind", "tag"];
  return Object.fromEntries(
    Object.entries(apiQuery(filters, now))
      .map(([name, value]) => [name, lists.includes(name) ? value.split(",") : value]),
  );
}

/** The same test as the server's, for tasks that the stream sends. */
export function matcher(filters: Filters, now: number): (record: TaskRecord) => boolean {
  const { statuses, kind, owner, tags, parent } = filters;
  const { from, to } = timeBounds(filters, now);
  const text = filters.text.trim().toLowerCase();
  const hides = hidesChildren(filters);
  return (record) =>
    (statuses.length === 0 || statuses.includes(record.status)) &&
    (kind === "" || record.kind === kind) &&
    (owner === "" || record.owner === owner) &&
    (!hides || record.parent_id === undefined) &&
    (parent === "" || record.parent_id === parent) &&
    tags.every((tag) => record.tags?.includes(tag) === true) &&
    (from === "" || record.created_at >= from) &&
    (to === "" || record.created_at < to) &&
    (text === "" || holds(record, text));
}

function holds({ task_id, kind, stage, message, error }: TaskRecord, text: string): boolean {
  return [task_id, kind, stage, message, error?.message]
    .some((field) => field?.toLowerCase().includes(text));
}

function time(text: string | null): string {
  const at = new Date(text ?? "");
  if (Number.isNaN(at.getTime())) return "";
  // `Date` takes 30 February for 2 March.
  const day = /^\d{4}-\d\d-\d\d/.exec(text!)?.[0];
  const exists = day === undefined || new Date(`${day}T00:00Z`).toISOString().startsWith(day);
  return exists ? at.toISOString() : "";
}
