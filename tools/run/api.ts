/**
 * The requests that the command sends to the server.
 *
 * @module
 */

import { RESULT_NAME } from "../../lib/task/artifact_list.ts";
import type { TaskRecord } from "../../lib/task/record.ts";
import { whyUnreachable } from "./unreachable.ts";

/** Of an answer that refuses: the parts that say what to do better. */
export interface Problem {
  detail?: string;
  /** The part of the request that is wrong. */
  field?: string;
  /** Each of them, where there are several. */
  errors?: unknown;
}

/** The server could not be reached, or did not want to. */
export class ServerError extends Error {
  override name = "ServerError";
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What was wrong with the request, as the server says it; `null` where it says nothing. */
  readonly problem: Problem | null;

  constructor(status: number, message: string, problem: Problem | null = null) {
    super(message);
    this.status = status;
    this.problem = problem;
  }

  /** Whether the request itself was wrong: another try would be refused as well. */
  get badInput(): boolean {
    return [400, 404, 409, 413, 415, 422].includes(this.status);
  }
}

/** Milliseconds a short request may take. A cancel waits up to two seconds for the end. */
const REQUEST_MS = 15_000;

export class Api {
  readonly url: string;
  readonly token: string | undefined;
  readonly #headers: Record<string, string>;

  constructor(url: string, token: string | undefined) {
    this.url = url;
    this.token = token;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** A request that is not refused. The caller bounds its time. */
  async request(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    const headers = { ...this.#headers, ...init.headers };
    let response: Response;
    try {
      response = await fetch(this.url + path, { ...init, headers });
    } catch (error) {
      throw new ServerError(0, whyUnreachable(this.url, error));
    }
    if (response.ok) return response;
    const problem = await response.json().catch(() => null);
    const said = typeof problem?.error === "string" ? problem.error : "it gave no reason";
    throw new ServerError(
      response.status,
      `${this.url} refused (${response.status}): ${said}`,
      problem,
    );
  }

  /** @param ms Milliseconds it may take. */
  async json<T>(path: string, init: RequestInit = {}, ms: number = REQUEST_MS): Promise<T> {
    const inTime = AbortSignal.timeout(ms);
    const signal = init.signal ? AbortSignal.any([init.signal, inTime]) : inTime;
    const response = await this.request(path, { ...init, signal });
    try {
      return await response.json();
    } catch {
      throw new ServerError(0, `The answer from ${this.url} broke off, or is not Headway's`);
    }
  }

  kinds(): Promise<
    { kinds: { kind: string; input: unknown }[]; limits: { max_upload: number } }
  > {
    return this.json("/kinds");
  }

  submit(body: Record<string, unknown>, key: string | undefined): Promise<TaskRecord> {
    const headers = {
      "content-type": "application/json",
      ...(key === undefined ? {} : { "idempotency-key": key }),
    };
    return this.json("/tasks", { method: "POST", headers, body: JSON.stringify(body) });
  }

  task(id: string): Promise<TaskRecord> {
    return this.json(`/tasks/${encodeURIComponent(id)}`);
  }

  /** A result that its record leaves out. */
  largeResult(id: string): Promise<unknown> {
    return this.json(`/tasks/${encodeURIComponent(id)}/artifacts/${RESULT_NAME}`);
  }

  async cancel(id: string): Promise<void> {
    await this.json(`/tasks/${encodeURIComponent(id)}/cancel`, { method: "POST" });
  }
}
