import { HttpError } from "../lib/http/errors.ts";
import { json, pathId, readJson } from "../lib/http/http.ts";
import { type Principal, refused, tasksOf } from "../lib/http/principal.ts";
import type { Can } from "../lib/http/tokens.ts";
import type { Subject } from "../lib/http/signed_token.ts";
import type { App, RouteContext } from "./app.ts";
import { checkBody, NEW_TOKEN, type NewTokenBody } from "./bodies.ts";
import { requireTheirs } from "./theirs.ts";

/**
 * `POST /tokens`: creates a token for one task, or for the tasks of an owner, to give to others. It
 * allows nothing that its creator may not do.
 */
export async function createToken(
  app: App,
  { request, principal }: RouteContext,
): Promise<Response> {
  const example = '{"owner":"acme","can":["read"]}';
  const body = checkBody(NEW_TOKEN, await readJson(request, app.config), example);
  const subject = subjectOf(body);
  const can = body.can ?? ["read"];
  for (const act of can) {
    if ("task" in subject) await requireTheirs(app, principal, act, [subject.task]);
    else if (!seesAllOf(principal, act, subject.owner)) throw refused(principal, act);
  }
  const signed = await app.auth.signFor(subject, can);
  if (signed === null) throw new HttpError(409, "This server needs no token");
  const { token, expiresAt } = signed;
  return json({ token, expires_at: new Date(expiresAt).toISOString() });
}

function subjectOf({ task_id, owner }: NewTokenBody): Subject {
  if ((task_id === undefined) === (owner === undefined)) {
    throw new HttpError(400, "Give either 'task_id' or 'owner'", { field: "task_id" });
  }
  return owner === undefined ? { task: pathId(task_id, "task") } : { owner };
}

/** Who sees what it submitted alone does not see all tasks of anybody. */
function seesAllOf(principal: Principal, act: Can, owner: string): boolean {
  const tasks = tasksOf(principal, act);
  return tasks === "all" ||
    (typeof tasks === "object" && "owner" in tasks && tasks.owner === owner);
}
