import { HttpError } from "../lib/http/errors.ts";
import { json, readJson } from "../lib/http/http.ts";
import type { App, RouteContext } from "./app.ts";
import { submitTask } from "./submission.ts";

/** `POST /submit`, for the tutorial: submits a `demo`, whose input is the body, if there is one. */
export async function submit(app: App, context: RouteContext): Promise<Response> {
  const body = await readJson(context.request, app.config);
  if (body !== undefined && (typeof body !== "object" || body === null || Array.isArray(body))) {
    throw new HttpError(400, "The body must be an object with the input of a demo, or absent", {
      field: "body",
    });
  }
  const { id } = await submitTask(app, { kind: "demo", input: body }, context);
  const token = await app.auth.taskToken(id);
  return json({ task_id: id, ...(token === null ? {} : { token }) });
}
