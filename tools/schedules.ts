/**
 * `deno task schedules`: lists the schedules of a server, pauses or resumes one, or makes a task of
 * it now.
 *
 * @module
 */

import { Api, ServerError } from "./run/api.ts";
import { readFlags, serverUrl, UsageError } from "./run/arguments.ts";
import { cleanLine } from "./run/text.ts";

const EXIT = { done: 0, usage: 2, server: 4 } as const;

const HELP = `Shows the schedules of a server, and changes them.

  schedules                       lists them: next time, last outcome
  schedules pause <id> [reason]   no task is made until it is resumed
  schedules resume <id>
  schedules run <id>              makes a task now, and prints its id

  --json          lists them as JSON
  --url URL       the server; also HEADWAY_URL, or HEADWAY_HOST, _PORT and _BASE_PATH
  --token TOKEN   sent as a Bearer token; better HEADWAY_TOKEN, which no process list shows
  --help          this text

Exit: 0 done, 2 bad input, 4 no server or refused.
`;

/** Milliseconds a request may take. */
const REQUEST_MS = 15_000;

interface Listed {
  schedule_id: string;
  kind: string;
  cron: string;
  zone: string;
  paused: { reason?: string } | null;
  next: string[];
  queued: string[];
  problem: string | null;
  outcomes: (
    | { type: "task"; scheduled_for: string | null; at: string; status: string | null }
    | { type: "skip"; to: string; message: string }
  )[];
}

/**
 * Does what the command line says.
 *
 * @param print Takes lines for the person.
 * @returns The exit code.
 */
export async function schedules(
  args: string[],
  env: (name: string) => string | undefined,
  print: (line: string, to?: "out" | "err") => void,
): Promise<number> {
  try {
    const { values, positionals: [word = "list", id, ...more] } = parse(args);
    if (values.help) {
      print(HELP.trimEnd());
      return EXIT.done;
    }
    const api = new Api(
      serverUrl(values.url, env),
      values.token ?? (env("HEADWAY_TOKEN") || undefined),
    );
    if (word === "list") {
      if (id !== undefined) throw new UsageError(`'${id}' is too many: all are listed`);
      const all = await list(api);
      if (values.json) print(JSON.stringify(all));
      else for (const line of all.flatMap(linesOf)) print(line);
      if (!values.json && all.length === 0) print("There are no schedules", "err");
      return EXIT.done;
    }
    if (!["pause", "resume", "run"].includes(word)) {
      throw new UsageError(
        `There is no '${word}': use list, pause, resume or run; --help tells more`,
      );
    }
    if (id === undefined) throw new UsageError(`Which schedule? Name it: ${word} <id>`);
    if (word !== "pause" && more.length > 0) throw new UsageError(`'${more[0]}' is too many`);
    const path = `/schedules/${encodeURIComponent(id)}`;
    if (word === "run") {
      print((await ask<{ task_id: string }>(api, "POST", `${path}/run`)).task_id);
      return EXIT.done;
    }
    const reason = more.length === 0 ? {} : { reason: more.join(" ") };
    await ask(api, "PATCH", path, { paused: word === "pause", ...reason });
    print(`${cleanLine(id)} is ${word === "pause" ? "paused" : "resumed"}`, "err");
    return EXIT.done;
  } catch (error) {
    if (error instanceof UsageError) {
      print(`headway: ${error.message}`, "err");
      return EXIT.usage;
    }
    if (!(error instanceof ServerError)) throw error;
    print(`headway: ${cleanLine(error.message)}`, "err");
    return error.badInput ? EXIT.usage : EXIT.server;
  }
}

function parse(args: string[]) {
  const text = { type: "string" as const };
  const flag = { type: "boolean" as const };
  const options = { url: text, token: text, json: flag, help: { ...flag, short: "h" } };
  return readFlags({ args, options, allowPositionals: true });
}

async function list(api: Api): Promise<Listed[]> {
  const all: Listed[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const query = new URLSearchParams({ limit: "100", ...(cursor === "" ? {} : { cursor }) });
    const page: { schedules: Listed[]; next_cursor: string | null } = await ask(
      api,
      "GET",
      `/schedules?${query}`,
    );
    all.push(...page.schedules);
    cursor = page.next_cursor;
  }
  return all;
}

async function ask<T>(api: Api, method: string, path: string, body?: unknown): Promise<T> {
  const response = await api.request(path, {
    method,
    signal: AbortSignal.timeout(REQUEST_MS),
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  return await response.json();
}

function linesOf(schedule: Listed): string[] {
  const { schedule_id, kind, cron, zone, paused, next: [next], queued, problem } = schedule;
  const when = paused
    ? `paused${paused.reason ? `: ${paused.reason}` : ""}`
    : next === undefined
    ? "no upcoming times"
    : `next ${next}`;
  const waits = queued.length > 0 ? `, ${queued.length} waiting` : "";
  return [
    `${schedule_id}  ${cron} ${zone}  ${kind}`,
    `  ${when}${waits}`,
    ...lastOf(schedule.outcomes.at(-1)),
    ...(problem === null ? [] : [`  ! ${problem}`]),
  ].map((line) => line.slice(0, 2) + cleanLine(line.slice(2)));
}

function lastOf(last: Listed["outcomes"][number] | undefined): string[] {
  if (last === undefined) return [];
  if (last.type === "skip") return [`  last ${last.to} ${last.message}`];
  const time = last.scheduled_for ?? `${last.at} by hand`;
  return [`  last ${time} ${last.status ?? "removed since"}`];
}

/** @returns Its exit code. */
export function schedulesCommand(args: string[]): Promise<number> {
  return schedules(args, (name) => Deno.env.get(name), (line, to = "out") => {
    // deno-lint-ignore no-console -- what a person reads at a terminal
    (to === "out" ? console.log : console.error)(line);
  });
}

if (import.meta.main) Deno.exit(await schedulesCommand(Deno.args));
