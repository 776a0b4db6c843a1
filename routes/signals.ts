import { actorOf } from "../lib/http/principal.ts";
import { HttpError } from "../lib/http/errors.ts";
import { json, pathId, readJson } from "../lib/http/http.ts";
import { MAX_NAME, NAME_PATTERN } from "../lib/task/answer.ts";
import { byteLength } from "../lib/base/bytes.ts";
import { MAX_JSON } from "../lib/task/limits.ts";
import type { App, RouteContext } from "./app.ts";
import { signalIssue } from "./signal_issue.ts";
import { taskNotFound } from "./task.ts";

/**
 * `POST /tasks/{id}/signals/{name}`: stores a signal that a task waits for or will wait for. If it
 * waits already, the value is checked against the signal's schema here, as far as that is cheap;
 * the task itself checks it in any case.
 */
export async function sendSignal(app: App, context: RouteContext): Promise<Response> {
  const { request, params } = context;
  const id = pathId(params.id, "task");
  const name = params.name ?? "";
  if (!NAME_PATTERN.test(name)) {
    const sentence =
      `A signal's name must be 1 to ${MAX_NAME} characters, none a control character`;
    throw new HttpError(400, sentence, { field: "name" });
  }
  const value = await readJson(request, app.config) ?? null;
  const text = JSON.stringify(value);
  if (byteLength(text) > MAX_JSON) {
    throw new HttpError(413, `The body is larger than ${MAX_JSON} bytes of JSON`, {
      field: "body",
    });
  }
  const { store } = app.engine;
  const answer = await store.answer(id, name);
  const issue = answer?.done === false ? signalIssue(answer.json, value, text.length) : null;
  if (issue) {
    throw new HttpError(422, `'${issue.field}' does not fit signal '${name}': ${issue.message}`, {
      field: issue.field,
    });
  }
  const sent = await store.signal(id, name, text, actorOf(context));
  if (sent.ok) return json({ task_id: id, status: sent.status });
  if (sent.reason === "not-found") throw taskNotFound(id);
  throw new HttpError(409, whyNot(id, name, sent), { field: "name", extra: { task_id: id } });
}

function whyNot(
  id: string,
  name: string,
  refused: { reason: "wrong-state"; status: string } | { reason: "sent" | "too-many" },
): string {
  switch (refused.reason) {
    case "wrong-state":
      return `Task ${id} is ${refused.status}: it no longer takes signals`;
    case "sent":
      return `Signal '${name}' was sent to task ${id} before, or is no longer waited for`;
    case "too-many":
      return `Task ${id} has too many signals that it has not taken yet`;
  }
}
