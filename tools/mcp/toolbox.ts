/**
 * The tools for a server's kinds and routes, as they are now.
 *
 * @module
 */

import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import type { TaskRecord } from "../../lib/task/record.ts";
import { type Api, ServerError } from "../run/api.ts";
import { answer, refusal } from "./answer.ts";
import { awaitTask, needsSomebody, whatNext } from "./await_task.ts";
import { type KindTool, kindTools, type KnownKind, MAX_KINDS } from "./kind_tools.ts";
import { type OpenApi, type RouteTool, routeTools } from "./route_tools.ts";

export interface ToolboxOptions {
  api: Api;
  /** Milliseconds that a call waits for a task to end. */
  waitMs: number;
}

export interface Call {
  /** The client has given the call up. */
  signal: AbortSignal;
  /** Told how the task is that is waited for. */
  onprogress(record: TaskRecord): void;
}

/** Seconds that a model may ask to wait. */
const MAX_WAIT_S = 3600;

const WATCH: Tool = {
  name: "watch_task",
  description:
    "Waits for a task to end, with progress, and returns its result. Returns at once if the " +
    "task waits for a signal. Giving up the wait leaves the task running.",
  inputSchema: {
    type: "object",
    properties: {
      id: { type: "string", description: "The task's id" },
      wait_seconds: {
        type: "number",
        minimum: 0,
        maximum: MAX_WAIT_S,
        description:
          "How long to wait before it returns the task as it is; the configured time if left out",
      },
    },
    required: ["id"],
  },
  annotations: { readOnlyHint: true },
};

/** Where there are more kinds than tools for them. */
const START: Tool = {
  name: "start_task",
  description: "Starts a task of any kind and waits for it. list_kinds names them.",
  inputSchema: {
    type: "object",
    properties: { kind: { type: "string" }, input: { description: "As the kind's schema says" } },
    required: ["kind"],
  },
};

const KINDS: Tool = {
  name: "list_kinds",
  description:
    "The names of all kinds of tasks; with 'kind', that kind and the JSON Schema of its input",
  inputSchema: { type: "object", properties: { kind: { type: "string" } } },
  annotations: { readOnlyHint: true },
};

export class Toolbox {
  readonly #options: ToolboxOptions;
  #kinds = new Map<string, KindTool>();
  #routes = new Map<string, RouteTool>();
  #known: readonly KnownKind[] = [];
  #tools: readonly Tool[] = [];
  /** What the client knows, or was told that it has changed. */
  #told: string | null = null;
  #reading: Promise<void> | undefined;
  /** There are other tools than the client was given. */
  onchange: (() => void) | undefined;

  constructor(options: ToolboxOptions) {
    this.#options = options;
  }

  /** For a client that asks. @throws {ServerError} When the server does not say. */
  async list(): Promise<Tool[]> {
    try {
      // Another version of the server may have other routes.
      await this.#load(true);
      this.#told = JSON.stringify(this.#tools);
      return [...this.#tools];
    } catch (error) {
      // It is told when there are some.
      this.#told = "";
      throw error;
    }
  }

  /** Looks whether there are others by now. @throws {ServerError} When the server does not say. */
  read(): Promise<void> {
    return this.#reading ??= this.#read().finally(() => this.#reading = undefined);
  }

  async #read(): Promise<void> {
    await this.#load(this.#routes.size === 0);
    const text = JSON.stringify(this.#tools);
    if (this.#told === null || text === this.#told) return;
    this.#told = text;
    this.onchange?.();
  }

  async #load(routes: boolean): Promise<void> {
    const { api } = this.#options;
    const byName = <T extends { tool: Tool }>(tools: readonly T[]) =>
      new Map(tools.map((it) => [it.tool.name, it]));
    const { kinds } = await api.json<{ kinds: KnownKind[] }>("/kinds");
    if (routes) this.#routes = byName(routeTools(await api.json<OpenApi>("/openapi.json")));
    this.#known = kinds;
    this.#kinds = byName(kindTools(kinds));
    this.#tools = [
      ...[...this.#kinds.values(), ...this.#routes.values()].map(({ tool }) => tool),
      WATCH,
      ...(kinds.length > MAX_KINDS ? [START, KINDS] : []),
    ];
  }

  /** Never throws for what the server refuses: a model may do better then. */
  async call(name: string, args: Record<string, unknown>, call: Call): Promise<CallToolResult> {
    try {
      return await this.#call(name, args, call);
    } catch (error) {
      // Nobody waits for the answer.
      if (call.signal.aborted) throw error;
      return refusal(error);
    }
  }

  async #call(name: string, args: Record<string, unknown>, call: Call): Promise<CallToolResult> {
    if (!this.#tools.some((tool) => tool.name === name)) await this.read();
    const kind = this.#kinds.get(name);
    if (kind) return await this.#submit(kind.kind, kind.inputOf(args), call);
    const route = this.#routes.get(name);
    if (route) return answer(await route.call(this.#options.api, args, call.signal));
    if (name === WATCH.name) return await this.#watch(args, call);
    if (name === KINDS.name) return this.#list(args);
    if (name === START.name) return await this.#submit(String(args.kind), args.input, call);
    return answer({ error: `There is no tool '${name.slice(0, 64)}'` }, true);
  }

  async #submit(kind: string, input: unknown, call: Call): Promise<CallToolResult> {
    const body = { kind, ...(input === undefined ? {} : { input }) };
    const { task_id } = await this.#options.api.submit(body, undefined);
    return await this.#await(task_id, this.#options.waitMs, call);
  }

  async #watch({ id, wait_seconds }: Record<string, unknown>, call: Call): Promise<CallToolResult> {
    const asked = typeof wait_seconds === "number" ? wait_seconds * 1000 : this.#options.waitMs;
    const ms = Math.min(Math.max(0, asked), MAX_WAIT_S * 1000);
    // Asked for once, so that an unknown task is told as such.
    const { task_id } = await this.#options.api.task(String(id));
    return await this.#await(task_id, ms, call);
  }

  async #await(id: string, ms: number, { signal, onprogress }: Call): Promise<CallToolResult> {
    const { api } = this.#options;
    const record = await awaitTask(api, id, { ms, signal, onprogress });
    const { status, result, error, result_url, artifacts } = record;
    const next = whatNext(record);
    const told = {
      task_id: id,
      status,
      ...(status === "completed" ? { result } : {}),
      ...(result_url === undefined ? {} : { result_url: `${api.url}/${result_url}` }),
      ...(error === null ? {} : { error }),
      ...(artifacts === undefined ? {} : { artifacts }),
      ...(needsSomebody(record) ? await this.#signalOf(record, signal) : {}),
      ...(next === null ? {} : { progress: record.progress, message: record.message, next }),
    };
    return answer(told, status === "failed" || status === "canceled");
  }

  async #signalOf({ task_id, waiting_for }: TaskRecord, signal: AbortSignal): Promise<object> {
    const details = await this.#options.api.json<{ signal_schema: unknown }>(
      `/tasks/${task_id}/details`,
      { signal },
    );
    return { waiting_for, signal_schema: details.signal_schema };
  }

  #list({ kind }: Record<string, unknown>): CallToolResult {
    if (kind === undefined) return answer(this.#known.map(({ kind }) => kind));
    const known = this.#known.find((it) => it.kind === kind);
    if (!known) throw new ServerError(404, `There is no kind '${String(kind).slice(0, 64)}'`);
    return answer(known);
  }
}
