/**
 * `deno task tasks`: cancels, retries or deletes all tasks of a server that a filter picks. It says
 * how many there are, and asks first.
 *
 * @module
 */

import {
  type BulkAction,
  type BulkAnswer,
  type BulkChange,
  type BulkCount,
  changeMatching,
  type CountByStatus,
  countMatching,
} from "../static/client/bulk_by_filter.ts";
import { Api, ServerError } from "./run/api.ts";
import { UsageError } from "./run/arguments.ts";
import { cleanLine } from "./run/text.ts";
import { HELP, readTasksArguments, type TasksArguments } from "./tasks/arguments.ts";

const EXIT = { done: 0, some: 1, usage: 2, declined: 3, server: 4 } as const;

/** Milliseconds that a part may take: a thousand tasks, with all that belongs to them. */
const PART_MS = 60_000;

const DONE: Record<BulkAction, string> = {
  // Running ones have yet to stop.
  cancel: "Requested cancellation of",
  retry: "Retried",
  delete: "Deleted",
};

/** What the command speaks to, beside the server. */
export interface Person {
  print(line: string, to?: "out" | "err"): void;
  /** Asks for a yes; `null` where nobody is there. */
  ask: ((question: string) => boolean) | null;
}

/**
 * Does what the command line says.
 *
 * @returns The exit code.
 */
export async function tasks(
  given: string[],
  env: (name: string) => string | undefined,
  person: Person,
): Promise<number> {
  try {
    const args = readTasksArguments(given, env, Date.now());
    if (args === null) {
      person.print(HELP.trimEnd());
      return EXIT.done;
    }
    return await change(args, person);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ServerError)) throw error;
    person.print(`headway: ${cleanLine(error.message)}`, "err");
    return error instanceof UsageError || error.badInput ? EXIT.usage : EXIT.server;
  }
}

async function change(args: TasksArguments, person: Person): Promise<number> {
  const { action, filter, dryRun, yes, json } = args;
  if (!dryRun && !yes && person.ask === null) {
    throw new UsageError(
      "Cannot ask without a terminal: give --yes, or --dry-run for the count alone",
    );
  }
  const api = new Api(args.url, args.token);
  const send = (body: object): Promise<BulkAnswer> => {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return api.json("/tasks/bulk", init, PART_MS);
  };
  const told = (report: Report) => person.print(json ? JSON.stringify(report) : textOf(report));
  let found: BulkCount | null = null;
  for await (const count of countMatching(send, action, filter)) found = count;
  const { count, refused } = found!;
  const report = { action, count, done: 0, failed: 0, refused };
  if (dryRun || count === 0) {
    told({ ...report, dry_run: true });
    return EXIT.done;
  }
  const left = leftAlone(refused);
  if (!yes && !person.ask!(`${capital(action)} ${these(count)}?${left && ` ${left}`}`)) {
    person.print("Nothing was done", "err");
    return EXIT.declined;
  }
  let came: BulkChange | null = null;
  try {
    for await (const part of changeMatching(send, action, filter, found!)) {
      came = part;
      if (part.done < count) person.print(`${part.done} of ${count}…`, "err");
    }
  } catch (error) {
    if (came !== null) person.print(`headway: stopped after ${came.done} of ${count}`, "err");
    throw error;
  }
  const { done, failed, errors } = came!;
  told({ ...report, done, failed, refused: came!.refused });
  for (const error of errors) person.print(`  ${cleanLine(error)}`, "err");
  if (failed > errors.length) person.print(`  and ${failed - errors.length} more`, "err");
  return failed > 0 ? EXIT.some : EXIT.done;
}

interface Report {
  action: BulkAction;
  /** How many it is for. */
  count: number;
  done: number;
  /** How many could not be changed though their state is right. */
  failed: number;
  /** How many were left alone, by state. */
  refused: CountByStatus;
  dry_run?: true;
}

function textOf({ action, count, done, failed, refused, dry_run }: Report): string {
  const first = dry_run
    ? count === 0 ? `There is nothing to ${action}.` : `Would ${action} ${these(count)}.`
    : `${DONE[action]} ${these(done)}.`;
  const problem = failed > 0 ? `${these(failed)} could not be changed.` : "";
  return [first, problem, leftAlone(refused)].filter(Boolean).join(" ");
}

function leftAlone(refused: CountByStatus): string {
  const parts = Object.entries(refused).map(([status, count]) => `${count} ${status}`);
  return parts.length === 0 ? "" : `Left alone: ${parts.join(", ")}.`;
}

function these(count: number): string {
  return count === 1 ? "1 task" : `${count} tasks`;
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

/** @returns Its exit code. */
export function tasksCommand(args: string[]): Promise<number> {
  return tasks(args, (name) => Deno.env.get(name), {
    print: (line, to = "out") => {
      // deno-lint-ignore no-console -- what a person reads at a terminal
      (to === "out" ? console.log : console.error)(line);
    },
    ask: Deno.stdin.isTerminal() ? confirm : null,
  });
}

if (import.meta.main) Deno.exit(await tasksCommand(Deno.args));
