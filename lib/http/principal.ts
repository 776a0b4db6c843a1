/**
 * Who sends a request, and which tasks that gives access to: the one place that says who sees what.
 *
 * @module
 */

import type { Whose } from "../task/labels.ts";
import { HttpError } from "./errors.ts";
import type { PageSession } from "./revocations.ts";
import { type Can, type Scope, SCOPES } from "./tokens.ts";

/**
 * What a route needs: nothing, any token of the operator, a scope, or to do something with tasks. In
 * the last case it gets only those tasks that {@link tasksOf} says:
 *
 * - `task`, `tasks`, `list`: to read the one in the path, those it names or else all, or all.
 * - `own`, `signal`: to cancel the one in the path, or to send it a signal.
 * - `change`, `bulk`: to retry or delete it; or many, to cancel them as well.
 * - `schedule`: to change a schedule, whose tasks they may cancel.
 */
export type Need =
  | "public"
  | "any"
  | "task"
  | "tasks"
  | "list"
  | "own"
  | "signal"
  | "change"
  | "bulk"
  | "schedule"
  | Scope;

/** What is done with a task. `change` is to retry or to delete it. */
export type Act = Can | "change";

/** What routes with these needs do with tasks. */
const ACT_OF: Partial<Record<Need, Act>> = {
  task: "read",
  tasks: "read",
  list: "read",
  own: "cancel",
  signal: "signal",
  change: "change",
  bulk: "change",
  schedule: "cancel",
};

/** The scope that allows an act, whoever submitted the task. */
const SCOPE_OF: Readonly<Record<Act, Scope>> = {
  read: "read",
  cancel: "admin",
  signal: "admin",
  change: "admin",
};

export interface Principal {
  /** The token's name; empty when no token is needed, and for a signed token. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Whose tasks they see and make, and no others; `null` for no such limit. */
  readonly owner: string | null;
  /** The only tasks they see, by a signed token of each; `null` for no such limit. */
  readonly taskIds: readonly string[] | null;
  /** What a signed token lets them do, which has no scopes. */
  readonly can: readonly Can[];
  /** Milliseconds since the epoch; `null` for never. */
  readonly expiresAt: number | null;
  /** The page's session that they used; `null` for a token. */
  readonly session: PageSession | null;
}

/** A request without a token, at a server that has some. */
export const NOBODY: Principal = {
  name: "",
  scopes: [],
  owner: null,
  taskIds: null,
  can: [],
  expiresAt: null,
  session: null,
};

/** Any request, at a server without tokens. */
export const ANYBODY: Principal = { ...NOBODY, scopes: SCOPES };

/** All tasks or none, those of an owner, those submitted with a token, or those with these ids. */
export type Tasks =
  | "all"
  | "none"
  | { readonly owner: string }
  | { readonly submitter: string }
  | { readonly ids: readonly string[] };

/** The tasks on which a principal may act in this way. */
export function tasksOf({ name, scopes, owner, taskIds, can }: Principal, act: Act): Tasks {
  if (taskIds !== null) return can.includes(act as Can) ? { ids: taskIds } : "none";
  const submits = act !== "change" && scopes.includes("submit");
  const may = scopes.includes(SCOPE_OF[act]);
  if (owner !== null) return may || submits || can.includes(act as Can) ? { owner } : "none";
  if (may) return "all";
  // A token that may only submit sees what was submitted with it.
  return submits ? { submitter: name } : "none";
}

/** Whether a task is one of these; `null` stands for a task that does not exist. */
export function isAmong(
  tasks: Tasks,
  id: string,
  task: Whose | null,
): boolean {
  if (typeof tasks === "string") return tasks === "all";
  if ("ids" in tasks) return tasks.ids.includes(id);
  if ("owner" in tasks) return task?.owner === tasks.owner;
  return task?.submitter === tasks.submitter;
}

/** Whether they may see how the server is run: where tasks run, and why they do not. */
export function isInside({ scopes, owner }: Principal): boolean {
  return owner === null && scopes.includes("read");
}

/** The name of whoever uses a server that needs no token. */
const ANONYMOUS = "anonymous";

/**
 * The principal's name in rows: the token's, or what a signed token is for; no secret and no address.
 *
 * @param asks `local` if it is the program that the server is part of.
 */
export function actorOf(asks: { principal: Principal; local?: true | undefined }): string {
  const { principal: { name, owner, taskIds }, local } = asks;
  if (local) return "program";
  if (name !== "") return name;
  if (owner !== null) return `token of ${owner}`;
  return taskIds === null ? ANONYMOUS : "task token";
}

/** The client that a principal counts as, where each client has a share. */
export function clientOf({ name, owner }: Pick<Principal, "name" | "owner">): string {
  if (name === "") return name;
  if (owner !== null) return JSON.stringify([name, owner]);
  return name.startsWith("[") ? JSON.stringify([name]) : name;
}

/**
 * Refuses a request that may not do what it asks for. If that depends on a task in the store,
 * {@link permitTask} decides the rest.
 *
 * @param taskIds The tasks that it names.
 * @throws {HttpError} 401 without credentials, 403 when they do not suffice.
 */
export function permit(
  principal: Principal | null,
  need: Need,
  taskIds: readonly string[] = [],
): Principal {
  if (need === "public") return principal ?? NOBODY;
  if (principal === null) throw unauthorized("This needs a token");
  const act = ACT_OF[need];
  if (act !== undefined) {
    const tasks = tasksOf(principal, act);
    if (tasks === "none") throw refused(principal, act);
    if (typeof tasks === "object" && "ids" in tasks) {
      const all = taskIds.length > 0 && taskIds.every((id) => tasks.ids.includes(id.toUpperCase()));
      if (!all || need === "list" || need === "schedule") throw refused(principal, act);
    }
    return principal;
  }
  const { scopes, owner } = principal;
  if (need === "any" && scopes.length > 0) return principal;
  // What tells of all tasks at once, such as figures, is not for those who see only some.
  const some = owner !== null && need !== "submit";
  if (!some && scopes.includes(need as Scope)) return principal;
  throw scopes.length === 0 || some ? refused(principal, "read") : needsScope(need as Scope);
}

/** What a route about one task does with it; `null` for a route about none, or many. */
export function actOn(need: Need): Act | null {
  return ["task", "own", "signal", "change"].includes(need) ? ACT_OF[need]! : null;
}

/**
 * Why a principal may not act. It does not tell whether there is such a task.
 *
 * @returns 403
 */
export function refused(principal: Principal, act: Act): HttpError {
  const { scopes, owner, taskIds, can } = principal;
  if (scopes.length > 0 && owner === null) return needsScope(SCOPE_OF[act]);
  const whose = taskIds === null ? "the tasks of its owner" : "its task";
  const does = can.length > 0 ? `${can.join(" and ")} ` : "see ";
  return new HttpError(403, `This token may only ${does}${whose}`);
}

function needsScope(scope: Scope): HttpError {
  return new HttpError(403, `This needs the scope '${scope}', which the token does not have`, {
    extra: { scope },
  });
}

export function unauthorized(sentence: string): HttpError {
  return new HttpError(401, sentence, { headers: { "www-authenticate": "Bearer" } });
}
