import type { BulkAction } from "../../static/client/bulk_by_filter.ts";
import { milliseconds, readFlags, serverUrl, UsageError } from "../run/arguments.ts";

export interface TasksArguments {
  action: BulkAction;
  /** As `POST /tasks/bulk` takes it. */
  filter: Record<string, string | string[]>;
  dryRun: boolean;
  yes: boolean;
  json: boolean;
  url: string;
  token: string | undefined;
}

/** What `--help` prints. */
export const HELP = `Cancels, retries or deletes all tasks that match. Says how many, and asks.

  tasks cancel|retry|delete [options]

  --status STATUS   pending, running, waiting, completed, failed or canceled; or several: a,b
  --kind KIND       of this kind; or of several
  --owner NAME      of this owner
  --tag TAG         that have this tag; with several, each of them
  --parent ID       the children of a task; 'none' for tasks without a parent
  --search TEXT     that have this text in id, kind, stage, message or error
  --after TIME      submitted since: 2026-11-27T08:00Z, or so long ago: 90m, 12h, 7d
  --before TIME     submitted before
  --all             all tasks, where no other option picks some
  --dry-run         says how many match, and does nothing
  --yes             does it without asking
  --json            prints the outcome as JSON
  --url URL         the server; also HEADWAY_URL, or HEADWAY_HOST, _PORT and _BASE_PATH
  --token TOKEN     sent as a Bearer token; better HEADWAY_TOKEN, which no process list shows
  --help            this text

A retry takes those that failed or were canceled; others are left alone, and counted.
Exit: 0 done, 1 some could not be changed, 2 bad input, 3 declined, 4 no server or refused.
`;

const OPTIONS = {
  "status": { type: "string", multiple: true },
  "kind": { type: "string", multiple: true },
  "owner": { type: "string" },
  "tag": { type: "string", multiple: true },
  "parent": { type: "string" },
  "search": { type: "string" },
  "after": { type: "string" },
  "before": { type: "string" },
  "all": { type: "boolean" },
  "dry-run": { type: "boolean" },
  "yes": { type: "boolean", short: "y" },
  "json": { type: "boolean" },
  "url": { type: "string" },
  "token": { type: "string" },
  "help": { type: "boolean", short: "h" },
} as const;

const ACTIONS: readonly string[] = ["cancel", "retry", "delete"] satisfies BulkAction[];

/**
 * Reads the command line; `null` where it asks for help.
 *
 * @param now Milliseconds since the epoch, for times that are so long ago.
 * @throws {UsageError} With what is wrong.
 */
export function readTasksArguments(
  args: string[],
  env: (name: string) => string | undefined,
  now: number,
): TasksArguments | null {
  const { values, positionals: [action, ...more] } = readFlags({
    args,
    options: OPTIONS,
    allowPositionals: true,
  });
  if (values.help) return null;
  if (action === undefined || !ACTIONS.includes(action)) {
    const what = action === undefined ? "Which action" : `There is no action '${action}'`;
    throw new UsageError(`${what}: cancel, retry or delete? --help tells more`);
  }
  if (more.length > 0) throw new UsageError(`'${more[0]}' is too many: options say which tasks`);
  if (values["dry-run"] && values.yes) {
    throw new UsageError("--dry-run and --yes exclude each other");
  }
  const filter = Object.fromEntries(
    Object.entries({
      status: words(values.status),
      kind: words(values.kind),
      owner: values.owner,
      tag: words(values.tag),
      parent: values.parent,
      q: values.search,
      created_after: time(values.after, "--after", now),
      created_before: time(values.before, "--before", now),
    }).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined),
  );
  const filtered = Object.keys(filter).length > 0;
  if (!filtered && !values.all) {
    throw new UsageError("Which tasks? Say so with options, or --all: --help tells more");
  }
  if (filtered && values.all) {
    throw new UsageError("--all cannot be combined with options that pick tasks");
  }
  return {
    action: action as BulkAction,
    filter,
    dryRun: values["dry-run"] ?? false,
    yes: values.yes ?? false,
    json: values.json ?? false,
    url: serverUrl(values.url, env),
    token: values.token ?? (env("HEADWAY_TOKEN") || undefined),
  };
}

/** Given once with commas, or several times. */
function words(given: string[] | undefined): string[] | undefined {
  return given && [...new Set(given.flatMap((text) => text.split(",")))];
}

/** A time that the server reads, or how long ago it is. */
function time(given: string | undefined, flag: string, now: number): string | undefined {
  if (given === undefined || !/^[\d.]+[a-z]+$/.test(given)) return given;
  return new Date(now - milliseconds(given, flag)).toISOString();
}
