/**
 * Limits each request to the tasks that its sender may read or change.
 *
 * @module
 */

import { HttpError } from "../lib/http/errors.ts";
import { type Act, isAmong, type Principal, refused, tasksOf } from "../lib/http/principal.ts";
import type { Head } from "../lib/kv/head.ts";
import type { TaskFilter } from "../lib/kv/task_filter.ts";
import { labelsOf, type Whose } from "../lib/task/labels.ts";
import type { NamedUpload } from "../lib/task/named_uploads.ts";
import { idOf } from "../lib/task/json_text.ts";
import { ULID } from "../lib/task/ulid.ts";
import type { App } from "./app.ts";

/**
 * Refuses who may not do it with all of these tasks.
 *
 * @throws {HttpError} 403, whether there are such tasks or not.
 */
export async function requireTheirs(
  app: App,
  principal: Principal,
  act: Act,
  ids: readonly string[],
): Promise<void> {
  if (!(await areTheirs(app, principal, act, ids)).every(Boolean)) throw refused(principal, act);
}

/** Of each task, whether they may do it with that one. */
export async function areTheirs(
  { engine: { heads } }: App,
  principal: Principal,
  act: Act,
  ids: readonly string[],
): Promise<boolean[]> {
  const tasks = tasksOf(principal, act);
  if (typeof tasks === "string" || "ids" in tasks) {
    return ids.map((id) => isAmong(tasks, id.toUpperCase(), null));
  }
  // What cannot be an id is nobody's.
  const wanted = ids.map((id) => ULID.test(id.toUpperCase()) ? id.toUpperCase() : null);
  const entries = await heads.getMany(wanted.filter((id) => id !== null));
  const found = new Map(entries.flatMap(({ value }) => value ? [[idOf(value.record), value]] : []));
  return wanted.map((id) => {
    const head = id === null ? null : found.get(id) ?? null;
    return id !== null && isAmong(tasks, id, head && whoseOf(head));
  });
}

/** Whether they may do it with a task that was read. */
export function isTheirs(principal: Principal, act: Act, id: string, head: Head): boolean {
  return isAmong(tasksOf(principal, act), id, whoseOf(head));
}

function whoseOf({ record, submitter }: Head): Whose {
  const { owner } = labelsOf(record);
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(submitter === undefined ? {} : { submitter }),
  };
}

/** Of the uploads that an input names, one that is another's: to them it might not be there. */
export async function othersUpload(
  { engine: { uploads } }: App,
  principal: Principal,
  named: readonly NamedUpload[],
): Promise<NamedUpload | undefined> {
  const tasks = tasksOf(principal, "read");
  if (tasks === "all" || named.length === 0) return undefined;
  const whose = await uploads.whose(named.map(({ id }) => id));
  return named.find(({ id }) => {
    const its = whose.get(id);
    return its !== undefined && !isAmong(tasks, id, its);
  });
}

/** Whose what they send is. */
export function whoseTheirs({ name }: Principal, owner: string | undefined): Whose {
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(name === "" ? {} : { submitter: name }),
  };
}

/**
 * A filter that picks nothing but what they may do it with.
 *
 * @throws {HttpError} 403 when it names somebody else as the owner.
 */
export function ofTheirs<Filter extends TaskFilter>(
  filter: Filter,
  principal: Principal,
  act: Act,
): Filter {
  const tasks = tasksOf(principal, act);
  if (tasks === "all") return filter;
  if (tasks === "none" || "ids" in tasks) throw refused(principal, act);
  if ("submitter" in tasks) return { ...filter, submitter: tasks.submitter };
  requireOwner(principal, filter.owner);
  return { ...filter, owner: tasks.owner };
}

/**
 * The owner of a task that they submit.
 *
 * @throws {HttpError} 403 when it would be somebody else's.
 */
export function requireOwner(principal: Principal, owner: string | undefined): string | undefined {
  if (principal.owner === null) return owner;
  if (owner === undefined || owner === principal.owner) return principal.owner;
  throw new HttpError(403, "'owner' must be left out, or be the one that the token is for", {
    field: "owner",
  });
}
