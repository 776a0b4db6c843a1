import { HttpError } from "../lib/http/errors.ts";
import type { Kind } from "../lib/task/kind.ts";
import { type StoredTarget, storedTarget } from "../lib/task/notify.ts";
import type { App } from "./app.ts";
import type { NewTaskBody } from "./bodies.ts";

/**
 * The webhook targets of a task: those of its submit, or else those of its kind.
 *
 * @throws {HttpError} 422 if nothing can ever be sent to one of them.
 */
export function targetsOf(
  { engine: { webhooks } }: App,
  { notify }: NewTaskBody,
  kind: Kind,
): readonly StoredTarget[] {
  if (notify === undefined || notify === null) return kind.notify ?? [];
  return notify.map(({ url, on, secret }, n) => {
    // Where a name leads to is looked up when it is sent: it may be another place by then.
    if (webhooks.reach.refuses(new URL(url))) {
      const sentence = `'notify.${n}.url' must not be a private address: see HEADWAY_WEBHOOK_ALLOW`;
      throw new HttpError(422, sentence, { field: "notify" });
    }
    if (!secret && webhooks.secrets.length === 0) {
      const sentence = `'notify.${n}.secret' must be given, as the server has none to sign with: ` +
        "see HEADWAY_WEBHOOK_SECRET";
      throw new HttpError(422, sentence, { field: "notify" });
    }
    return storedTarget({ url, ...(on ? { on } : {}), ...(secret ? { secret } : {}) });
  });
}
