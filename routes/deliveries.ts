import { HttpError } from "../lib/http/errors.ts";
import { json, pathId } from "../lib/http/http.ts";
import { actorOf, isInside } from "../lib/http/principal.ts";
import type { Delivery } from "../lib/kv/deliveries.ts";
import type { TaskRecord } from "../lib/task/record.ts";
import type { App, RouteContext } from "./app.ts";
import { requireTask } from "./task.ts";

/** `GET /tasks/{id}/deliveries`: a task's webhook targets, and what was sent to them, newest first. */
export async function getDeliveries(
  app: App,
  { params, principal }: RouteContext,
): Promise<Response> {
  const id = pathId(params.id, "task");
  const { notify = [] } = await requireTask(app, id);
  const deliveries = await app.engine.deliveries.of(id);
  const inside = isInside(principal);
  return json({
    targets: notify.map(({ origin, on }, target) => ({ target, origin, on })),
    deliveries: deliveries.map(({ n, delivery }) => shown(n, delivery, inside)),
  });
}

/** `POST /tasks/{id}/deliveries/{n}/resend`: it goes out again, now. */
export async function resend(app: App, context: RouteContext): Promise<Response> {
  const { params, principal } = context;
  const id = pathId(params.id, "task");
  const { kind } = JSON.parse((await requireTask(app, id)).record) as TaskRecord;
  const n = /^[1-9]\d{0,8}$/.test(params.n ?? "") ? Number(params.n) : 0;
  app.engine.store.requireStore();
  const delivery = n === 0
    ? null
    : await app.engine.deliveries.resend(id, n, kind, actorOf(context));
  if (delivery === null) throw new HttpError(404, `Task ${id} has no delivery of this number`);
  return json(shown(n, delivery, isInside(principal)), 202);
}

/** @param inside They see what was answered: to others it may be a look behind the server. */
function shown(n: number, delivery: Delivery, inside: boolean) {
  const { event, target, origin, at, state, tries, next, attempts, resentBy } = delivery;
  return {
    n,
    event,
    target,
    origin,
    state,
    created_at: iso(at),
    next_try_at: state === "waiting" ? iso(next) : null,
    tries,
    resent_by: resentBy ?? null,
    attempts: attempts.map(({ at, ms, status, error, response }) => ({
      time: iso(at),
      duration_ms: ms,
      http_status: status,
      error,
      response: inside ? response : null,
    })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
