import { Webhook } from "standardwebhooks";
import { Broken, holds } from "./invariants.ts";

/** An address of its own: nobody else takes its port while it is down. */
const HOST = "127.0.86.1";

/** Signs what it is sent. */
export const HOOK_SECRET = `whsec_${new Uint8Array(32).fill(7).toBase64()}`;

/** What came. */
export interface Arrival {
  /** The `webhook-id`. */
  id: string;
  /** To which path of it. */
  path: string;
  /** As the body says it. */
  type: string;
  /** The task, and its event. */
  task: string;
  seq: number;
  /** It was answered with 204, as far as whoever answers knows. */
  taken: boolean;
}

/** Whom webhooks tell: it refuses what it is to refuse, and dies when it is to die. */
export class HookReceiver implements AsyncDisposable {
  /** In the order in which they came. */
  readonly arrivals: Arrival[] = [];
  /** What must not have come. */
  failure: Error | null = null;
  readonly #webhook = new Webhook(HOOK_SECRET);
  #port = 0;
  #refusals = 0;
  #life: { end: AbortController; server: Deno.HttpServer } | null = null;

  /** Begins to listen. */
  constructor() {
    this.live();
  }

  /** Where it is, also while it is down. */
  get url(): string {
    return `http://${HOST}:${this.#port}`;
  }

  /** Listens, where it did before. */
  live(): void {
    const end = new AbortController();
    const server = Deno.serve(
      { hostname: HOST, port: this.#port, signal: end.signal, onListen() {} },
      (request) => this.#answer(request),
    );
    this.#port = (server.addr as Deno.NetAddr).port;
    this.#life = { end, server };
  }

  /** Cuts off what is on its way to it, and refuses connections. */
  async die(): Promise<void> {
    this.#life?.end.abort();
    await this.#life?.server.finished;
    this.#life = null;
  }

  /** Answers 500 to the next ones. */
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

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
  }
}
