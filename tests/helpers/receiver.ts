/**
 * A receiver of webhooks. It checks signatures with the library that real receivers use.
 *
 * @module
 */

import { Webhook } from "standardwebhooks";
import { eventually } from "./eventually.ts";

/** Two webhook secrets, in the format of Standard Webhooks. */
export const SECRET = `whsec_${new Uint8Array(32).fill(7).toBase64()}`;
export const OTHER_SECRET = `whsec_${new Uint8Array(32).fill(9).toBase64()}`;

export interface Received {
  /** The path and query of the request. */
  path: string;
  id: string;
  signatures: number;
  // deno-lint-ignore no-explicit-any -- JSON, whose shape the test asserts
  body: any;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** In the order of arrival. */
  readonly received: Received[];
  /** Resolves when `many` have arrived, and rejects if any had a bad signature. */
  count(many: number): Promise<Received[]>;
}

/**
 * Starts a receiver.
 *
 * @param answer Makes the answer, once the `n`-th webhook is noted. @default {204}
 * @param secret The secret that webhooks must be signed with.
 */
export function receiver(
  answer: (request: Request, n: number) => Response | Promise<Response> = () =>
    new Response(null, { status: 204 }),
  secret = SECRET,
): Receiver {
  const webhook = new Webhook(secret);
  const received: Received[] = [];
  const unsigned: unknown[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const text = await request.text();
      const { pathname, search } = new URL(request.url);
      try {
        const body = webhook.verify(text, Object.fromEntries(request.headers));
        received.push({
          path: pathname + search,
          id: request.headers.get("webhook-id")!,
          signatures: request.headers.get("webhook-signature")!.split(" ").length,
          body,
        });
      } catch (error) {
        unsigned.push(error);
        return new Response(null, { status: 401 });
      }
      return await answer(request, received.length);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    received,
    count: (many) =>
      eventually(() => {
        if (unsigned.length > 0) throw new Error(`${unsigned[0]}`);
        if (received.length < many) throw new Error(`${received.length} of ${many} came`);
        return received;
      }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
