/**
 * Which tasks the list shows: as the address says it, as the server is asked for it, and as a task
 * that arrives by itself is looked at.
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

/** The ranges that end now, in milliseconds. */
export const RANGES = { "1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 7 * 24 * HOUR_MS } as const;

/** A time of submission: any, one of {@link RANGES}, or from one time to another. */
export type Since = "" | keyof typeof RANGES | "custom";

export interface Filters {
  /** Any of these; empty for all. */
  readonly statuses: readonly Status[];
  /** This one; empty for all. */
  readonly kind: string;
  /** Whose tasks; empty for anybody's. */
  readonly owner: string;
  /** All of these; empty for any. */
  readonly tags: readonly string[];
  /** The children of this task; empty for anybody's. */
  readonly parent: string;
  /** Also tasks that others have made, where nothing else asks for them. */
  readonly children: boolean;
  /** What stands in id, kind, stage, message or error; empty for all. */
  readonly text: string;
  /** Submitted when. */
  readonly since: Since;
  /** With `custom`: not before, ISO 8601; empty for no bound. */
  readonly from: string;
  /** With `custom`: before, ISO 8601; empty for no bound. */
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

/** Reads an address; what makes no sense is left out. */
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

/** The other way round, as short as it goes. */
export function formatFilters(filters: Filters): URLSearchParams {
  const { statuses, kind, owner, tags, parent, text, since, from, to } = filters;
  const labels = { owner, tag: tags.join(","), parent, children: filters.children ? "1" : "" };
  const parts = { status: statuses.join(","), kind, ...labels, q: text, since, from, to };
  return new URLSearchParams(Object.entries(parts).filter(([, value]) => value !== ""));
}

/** Whether children stand behind their parents: not where somebody looks for one. */
export function hidesChildren({ children, kind, parent, text }: Filters): boolean {
  return !children && kind === "" && parent === "" && text.trim() === "";
}

/** Tasks by state, as `GET /tasks/counts` tells. */
type Known = Readonly<Record<Status | "limit", number>> & { readonly partial?: true };

/**
 * How many children of these states are behind their parents: those that are there in all, less those
 * that are shown; `null` for none.
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

/** The bounds of the time of submission, at the time `now`; ISO 8601, empty for none. */
export function timeBounds(
  { since, from, to }: Filters,
  now: number,
): { from: string; to: string } {
  if (since === "" || since === "custom") return { from, to };
  return { from: new Date(now - RANGES[since]).toISOString(), to: "" };
}

/** What `GET /tasks` is asked for. */
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

/** What `POST /tasks/bulk` is asked for. */
export function bulkFilter(filters: Filters, now: number): Record<string, string | string[]> {
  const lists = ["status", "kind", "tag"];
  return Object.fromEntries(
    Object.entries(apiQuery(filters, now))
      .map(([name, value]) => [name, lists.includes(name) ? value.split(",") : value]),
  );
}

/** The test that the server makes, for tasks that arrive by themselves. */
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
  // 30 February would be taken for 2 March.
  const day = /^\d{4}-\d\d-\d\d/.exec(text!)?.[0];
  const exists = day === undefined || new Date(`${day}T00:00Z`).toISOString().startsWith(day);
  return exists ? at.toISOString() : "";
}
