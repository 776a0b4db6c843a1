import { Webhook } from "standardwebhooks";
import { Broken, holds } from "./invariants.ts";

/** A loopback address of its own, so that nobody takes its port while it is down. */
const HOST = "127.0.86.1";

/** The secret that webhooks are signed with. */
export const HOOK_SECRET = `whsec_${new Uint8Array(32).fill(7).toBase64()}`;

/** A webhook that arrived. */
export interface Arrival {
  /** The `webhook-id`. */
  id: string;
  /** The path of the request. */
  path: string;
  /** The `type` in the body. */
  type: string;
  /** The task's id, and the `seq` of the event. */
  task: string;
  seq: number;
  /** Whether it was answered with 204; that answer may have been lost. */
  taken: boolean;
}

/** A receiver of webhooks that can be told to refuse some, or to die. */
export class HookReceiver implements AsyncDisposable {
  /** In the order of arrival. */
  readonly arrivals: Arrival[] = [];
  /** The first error in a request, such as a bad signature. */
  failure: Error | null = null;
  readonly #webhook = new Webhook(HOOK_SECRET);
  #port = 0;
  #refusals = 0;
  #life: { end: AbortController; server: Deno.HttpServer } | null = null;

  constructor() {
    this.live();
  }

  /** Its origin, even while it is down. */
  get url(): string {
    return `http://${HOST}:${this.#port}`;
  }

  /** Listens, on the same port as before. */
  live(): void {
    const end = new AbortController();
    const server = Deno.serve(
      { hostname: HOST, port: this.#port, signal: end.signal, onListen() {} },
      (request) => this.#answer(request),
    );
    this.#port = (server.addr as Deno.NetAddr).port;
    this.#life = { end, server };
  }

  /** Aborts the requests under way, and refuses connections. */
  async die(): Promise<void> {
    this.#life?.end.abort();
    await this.#life?.server.finished;
    this.#life = null;
  }

  /** Answers 500 to the next `count` webhooks. */
  refuse(count: number): void {
    this.#refusals = count;
  }

  async #answer(request: Request): Promise<Response> {
    const text = await request.text();
    const id = request.headers.get("webhook-id") ?? "";
    const { pathname: path } = new URL(request.url);
    try {
      const at = Number(request.headers.get("webhook-timestamp"));
      const signature = this.#webhook.sign(id, new Date(at * 1000), text);
      const right = request.headers.get("webhook-signature") === signature;
      holds("I29", right, () => `${id} is not signed`);
      const { type, data: { task_id: task, seq } } = JSON.parse(text);
      const taken = this.#refusals === 0;
      if (!taken) this.#refusals--;
      this.arrivals.push({ id, path, type, task, seq, taken });
      return new Response(null, { status: taken ? 204 : 500 });
    } catch (error) {
      this.failure ??= error instanceof Error ? error : new Broken("I29", String(error));
      return new Response(null, { status: 204 });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
  }
}
