/**
 * What `headway()` returns to the program that Headway is part of. Its methods send requests to the
 * same routes as any client, without the network: so there is one API, and one way to watch a task.
 *
 * @module
 */

import { currentRun } from "../lib/child/current_run.ts";
import { belowBase } from "../lib/http/base_path.ts";
import { HttpError } from "../lib/http/errors.ts";
import type { Server } from "../lib/server.ts";
import type {
  CloseOptions,
  Headway,
  ListQuery,
  SubmitHere,
  TaskPage,
  WatchHere,
} from "../lib/headway.ts";
import { ULID } from "../lib/task/ulid.ts";
import { toJson } from "../lib/task/json_value.ts";
import type { TaskRecord } from "../lib/task/record.ts";
import type { Sender } from "../routes/app.ts";
import { failed } from "../routes/failed.ts";
import type {
  FinishedTask,
  InputOf,
  KindOf,
  ResultOf,
  SubmittedTask,
  TaskEvent,
} from "../static/client/client.d.ts";
import { HeadwayError, refusal, submission } from "../static/client/requests.ts";
import { TaskEvents } from "../static/client/task_events.ts";
import { WORLD } from "../static/client/world.ts";

/** Filters that must not be empty: an empty one could pick more tasks than was meant. */
const PICKS = ["owner", "kind", "status"];

/** The address of this program's own requests, at which nothing listens. */
const HERE = "http://headway.localhost";

/** The sender of a request that may come from anywhere. */
const UNKNOWN: Deno.Addr = { transport: "tcp", hostname: "", port: 0 };

type Handler = (request: Request, info: Sender) => Promise<Response>;

export class Embedded implements Headway {
  readonly server: Server;
  readonly #handler: Handler;
  readonly #local: (request: Request) => Promise<Response>;
  readonly #closed = new AbortController();

  constructor(server: Server, handler: Handler, local: (request: Request) => Promise<Response>) {
    this.server = server;
    this.#handler = handler;
    this.#local = local;
  }

  get url(): string {
    return this.server.url;
  }

  async fetch(request: Request, info?: unknown): Promise<Response> {
    const { signal } = this.#closed;
    if (signal.aborted) return failed(new HttpError(503, signal.reason.message), this.server);
    return await this.#handler(request, { remoteAddr: senderIn(info) });
  }

  matches({ url }: Request): boolean {
    // A request's URL is made from its Host, which may be anything.
    const path = URL.parse(url)?.pathname;
    return path !== undefined && belowBase(this.server.config.basePath, path) !== null;
  }

  async submit<Task = unknown>(
    kind: KindOf<Task>,
    input?: InputOf<Task>,
    options: SubmitHere = {},
  ): Promise<SubmittedTask<ResultOf<Task>>> {
    requireJson(input);
    return await answered(await this.#ask(`${HERE}/tasks`, submission(kind, input, options)));
  }

  async *watch<Task = unknown>(
    id: string,
    { signal, after = "0" }: WatchHere = {},
  ): AsyncGenerator<TaskEvent<Task>, void, void> {
    const ends = AbortSignal.any([this.#closed.signal, ...signal ? [signal] : []]);
    const options = { base: HERE, lastEventId: after, signal: ends };
    const events = new TaskEvents<Task>(id, options, { ...WORLD, fetch: this.#ask });
    yield* events.read();
  }

  async get<Task = unknown>(
    id: string,
  ): Promise<TaskRecord<ResultOf<Task>> | FinishedTask<ResultOf<Task>> | null> {
    const url = this.#urlOf(id);
    if (url === null) return null;
    const response = await this.#ask(url);
    if (response.status === 404) return null;
    return await answered(response);
  }

  async list(query: ListQuery = {}): Promise<TaskPage> {
    const { status, kind, owner, tag, parent, text, createdAfter, createdBefore, limit, cursor } =
      query;
    const asked = {
      status: status === undefined ? undefined : [status].flat().join(),
      kind: kind === undefined ? undefined : [kind].flat().join(),
      owner,
      tag: tag && [tag].flat().join(),
      parent,
      q: text,
      created_after: createdAfter?.toISOString(),
      created_before: createdBefore?.toISOString(),
      limit: limit?.toString(),
      cursor,
    };
    const given = Object.entries(asked)
      .filter((entry): entry is [string, string] => entry[1] !== undefined);
    // A filter that is empty by mistake must not widen the list.
    const empty = given.find(([name, text]) => text === "" && PICKS.includes(name));
    if (empty) throw new HeadwayError(400, `'${empty[0]}' must not be empty`, empty[0]);
    const response = await this.#ask(`${HERE}/tasks?${new URLSearchParams(given)}`);
    const page = await answered<{ tasks: TaskRecord[]; next_cursor: string | null }>(response);
    return { tasks: page.tasks, cursor: page.next_cursor };
  }

  async cancel(id: string): Promise<TaskRecord> {
    await this.#change(id, "cancel");
    return await answered(await this.#ask(this.#urlOf(id)!));
  }

  retry(id: string): Promise<TaskRecord> {
    return this.#change(id, "retry");
  }

  async close({ drainMs = this.server.config.drainMs }: CloseOptions = {}): Promise<void> {
    await this.server.stop(drainMs);
    this.#closed.abort(new DOMException("Headway was closed", "AbortError"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ drainMs: 0 });
  }

  async #change(id: string, what: "cancel" | "retry"): Promise<TaskRecord> {
    const url = this.#urlOf(id);
    if (url === null) throw new HeadwayError(404, "There is no task with this id");
    return await answered(await this.#ask(`${url}/${what}`, { method: "POST" }));
  }

  /** The URL of a task; `null` for anything but an id, which could name another path. */
  #urlOf(id: string): string | null {
    this.#closed.signal.throwIfAborted();
    return ULID.test(id.toUpperCase()) ? `${HERE}/tasks/${id}` : null;
  }

  /** As the platform's `fetch`: aborting the request also cancels the response's body. */
  readonly #ask = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { signal } = init;
    this.#closed.signal.throwIfAborted();
    signal?.throwIfAborted();
    // A task of this program may ask: what the server does for it is not part of its run.
    const response = await currentRun.exit(() => this.#local(new Request(url, init)));
    if (!signal || !response.body) return response;
    const { status, headers } = response;
    const body = response.body.pipeThrough(new TransformStream(), { signal });
    return new Response(body, { status, headers });
  };
}

/** @throws {HeadwayError} If JSON cannot hold part of the input. The server checks its size. */
function requireJson(input: unknown): void {
  try {
    toJson(input, { what: "An input", root: "input" });
  } catch (error) {
    if (!(error instanceof TypeError)) return;
    const [, field = "input"] = /^Cannot keep (.+?): /.exec(error.message) ?? [];
    throw new HeadwayError(422, error.message, field);
  }
}

/** Who sent a request, as far as the program's own server says so. */
function senderIn(info: unknown): Deno.Addr {
  const { remoteAddr } = (info ?? {}) as { remoteAddr?: Record<string, unknown> };
  const known = remoteAddr?.transport === "unix" || typeof remoteAddr?.hostname === "string";
  return known ? remoteAddr as unknown as Deno.Addr : UNKNOWN;
}

/** @throws {HeadwayError} If the request was refused. */
async function answered<T>(response: Response): Promise<T> {
  if (!response.ok) throw await refusal(response);
  return await response.json();
}
