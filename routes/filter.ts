/**
 * Reads the filter of tasks from a URL or a body.
 *
 * @module
 */

import { ulid } from "@std/ulid";
import { HttpError } from "../lib/http/errors.ts";
import { queryWords } from "../lib/http/http.ts";
import type { TaskFilter } from "../lib/kv/task_filter.ts";
import { KIND_PATTERN } from "../lib/task/define.ts";
import { INSTANT, parseInstant } from "../lib/task/instant.ts";
import {
  type Labels,
  MAX_OWNER,
  MAX_TAG,
  MAX_TAGS,
  NO_PARENT,
  OWNER_PATTERN,
  TAG_PATTERN,
} from "../lib/task/labels.ts";
import { type Status, STATUSES } from "../lib/task/record.ts";
import { ULID } from "../lib/task/ulid.ts";
import { type FilterBody, MAX_TEXT, MAX_WORDS } from "./bodies.ts";

/**
 * The filter in an address.
 *
 * @throws {HttpError} 400 that names the field that is wrong.
 */
export function readFilter(url: URL): TaskFilter {
  const statuses = readStatuses(url);
  const kinds = readKinds(url);
  const text = readText(url);
  return {
    ...(statuses ? { statuses } : {}),
    ...(kinds ? { kinds } : {}),
    ...(text ? { text } : {}),
    ...readLabels(url),
    ...madeBetween(readTime(url, "created_after"), readTime(url, "created_before")),
  };
}

/** The filter in a body, which was checked. */
export function filterOf(body: FilterBody): TaskFilter {
  const { status, kind, owner, tag, parent, q, created_after, created_before } = body;
  const text = q?.trim();
  const time = (instant: string | undefined) =>
    instant === undefined ? null : Math.max(0, parseInstant(instant)!);
  return {
    ...(status ? { statuses: status } : {}),
    ...(kind ? { kinds: kind } : {}),
    ...(text ? { text } : {}),
    ...(owner === undefined ? {} : { owner }),
    ...(tag ? { tags: tag } : {}),
    ...(parent === undefined ? {} : { parent_id: parent }),
    ...madeBetween(time(created_after), time(created_before)),
  };
}

/**
 * The owner, the tags and the parent that an address names: a task must have all of them.
 *
 * @throws {HttpError} 400 when one cannot be one, or there are too many.
 */
export function readLabels(url: URL): Labels {
  const [owner, ...others] = new Set(url.searchParams.getAll("owner"));
  if (others.length > 0 || (owner !== undefined && !OWNER_PATTERN.test(owner))) {
    const sentence = `'owner' must be one owner, of 1 to ${MAX_OWNER} characters`;
    throw new HttpError(400, sentence, { field: "owner" });
  }
  const tags = queryWords(url, "tag", MAX_TAGS);
  if (!tags.every((tag) => TAG_PATTERN.test(tag))) {
    const sentence = `'tag' must be tags of at most ${MAX_TAG} characters, separated by commas`;
    throw new HttpError(400, sentence, { field: "tag" });
  }
  const [parent, ...more] = new Set(url.searchParams.getAll("parent"));
  const parent_id = parent === undefined || parent === NO_PARENT ? parent : parent.toUpperCase();
  const fits = parent_id === undefined || parent_id === NO_PARENT || ULID.test(parent_id);
  if (more.length > 0 || !fits) {
    const sentence = `'parent' must be the id of one task, or ${NO_PARENT}`;
    throw new HttpError(400, sentence, { field: "parent" });
  }
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(tags.length > 0 ? { tags } : {}),
    ...(parent_id === undefined ? {} : { parent_id }),
  };
}

/**
 * The different kinds that a query names; `undefined` for all.
 *
 * @throws {HttpError} 400 when one cannot be a kind, or there are too many.
 */
export function readKinds(url: URL): string[] | undefined {
  const kinds = queryWords(url, "kind", MAX_WORDS);
  if (kinds.some((kind) => !KIND_PATTERN.test(kind))) {
    throw new HttpError(400, "'kind' must be the name of a kind", { field: "kind" });
  }
  return kinds.length > 0 ? kinds : undefined;
}

function readStatuses(url: URL): Status[] | undefined {
  const statuses = queryWords(url, "status", MAX_WORDS);
  if (statuses.some((status) => !STATUSES.includes(status as Status))) {
    throw new HttpError(400, `'status' must be one or more of ${STATUSES.join(", ")}`, {
      field: "status",
    });
  }
  return statuses.length > 0 ? statuses as Status[] : undefined;
}

function readText(url: URL): string | undefined {
  const text = url.searchParams.get("q") ?? undefined;
  if (text === undefined || [...text].length <= MAX_TEXT) return text?.trim();
  throw new HttpError(400, `'q' must be at most ${MAX_TEXT} characters`, { field: "q" });
}

/** Milliseconds since the epoch, or `null` where it is not asked for. */
function readTime(url: URL, field: string): number | null {
  const text = url.searchParams.get(field);
  if (text === null) return null;
  // A '+' in an address is a blank.
  const time = parseInstant(text.replace(/ (\d\d:\d\d)$/, "+$1"));
  if (time === null) throw new HttpError(400, `'${field}' must be ${INSTANT}`, { field });
  return Math.max(0, time);
}

function madeBetween(after: number | null, before: number | null): TaskFilter {
  return {
    ...(after === null ? {} : { since: firstIdAt(after) }),
    ...(before === null ? {} : { before: firstIdAt(before) }),
  };
}

/** The smallest id that a task submitted at `time` can have. */
function firstIdAt(time: number): string {
  return ulid(time).slice(0, 10) + "0".repeat(16);
}

/**
 * The filter without what an earlier page has shown.
 *
 * @throws {HttpError} 400 when the cursor is none.
 */
export function behind<Filter extends TaskFilter>(
  filter: Filter,
  cursor: string | null | undefined,
): Filter {
  if (!cursor) return filter;
  if (!ULID.test(cursor)) {
    throw new HttpError(400, "'cursor' must be the 'next_cursor' of an earlier page", {
      field: "cursor",
    });
  }
  const { before } = filter;
  return before !== undefined && before < cursor ? filter : { ...filter, before: cursor };
}
