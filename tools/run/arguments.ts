import { parseArgs, type ParseArgsConfig } from "node:util";
import { BASE_PATH_SHAPE, parseBasePath } from "../../lib/http/base_path.ts";
import { InexactNumberError, parseExact } from "../../lib/base/exact_json.ts";

export class UsageError extends Error {
  override name = "UsageError";
}

export interface Arguments {
  /** Where the server answers, without a slash at its end. */
  url: string;
  /** Sent as a Bearer token. */
  token: string | undefined;
  /** The kind to submit, or the task to watch. */
  what: { kind: string } | { watch: string };
  input: unknown;
  upload: string | undefined;
  /** Further fields of `POST /tasks`. */
  fields: {
    priority?: number;
    delay_ms?: number;
    owner?: string;
    tags?: string[];
    keep?: number | "forever";
  };
  /** Makes a second submission the same task. */
  idempotencyKey: string | undefined;
  show: "person" | "json" | "quiet";
  /** Print the id and leave. */
  detach: boolean;
  /** The folder for the task's artifacts. */
  save: string | undefined;
}

/** What `--help` prints. */
export const HELP = `Runs a task and shows it live.

  run <kind> [options]
  run --watch ID [options]

  --input JSON             the task's input
  --upload FILE            uploads the file first and puts its id into the input
  --priority N             -100 to 100, higher runs first
  --delay TIME             not before: 500ms, 30s, 5m, 2h, 1d; a number alone is milliseconds
  --owner NAME             whose task it is
  --tag TAG                what it belongs to; may be given several times
  --keep TIME              how long it is kept after its end: 30d, or forever
  --idempotency-key KEY    a second run with the same key watches the same task
  --watch ID               watches a task that already exists
  --detach                 prints the task's id and exits
  --save DIR               puts the files that the task made into a folder
  --json                   each event and the final record as lines of JSON
  --quiet                  nothing but the result
  --url URL                the server; also HEADWAY_URL, or HEADWAY_HOST, _PORT and _BASE_PATH
  --token TOKEN            sent as a Bearer token; better HEADWAY_TOKEN, which no process list shows
  --help                   this text

Ctrl-C asks the task to stop; a second one leaves it running.
Exit: 0 completed, 1 failed, 2 bad input, 3 canceled, 4 no server or refused, 130 left.
`;

const OPTIONS = {
  "input": { type: "string" },
  "upload": { type: "string" },
  "priority": { type: "string" },
  "delay": { type: "string" },
  "owner": { type: "string" },
  "tag": { type: "string", multiple: true },
  "keep": { type: "string" },
  "idempotency-key": { type: "string" },
  "watch": { type: "string" },
  "url": { type: "string" },
  "token": { type: "string" },
  "save": { type: "string" },
  "detach": { type: "boolean" },
  "json": { type: "boolean" },
  "quiet": { type: "boolean" },
  "help": { type: "boolean", short: "h" },
} as const;

/** Flags that say something of a task that is yet to be. */
const OF_NEW_TASKS = [
  "input",
  "upload",
  "priority",
  "delay",
  "owner",
  "tag",
  "keep",
  "idempotency-key",
  "detach",
] as const;

/**
 * Reads the command line; `null` where it asks for help.
 *
 * @throws {UsageError} With what is wrong.
 */
export function readArguments(
  args: string[],
  env: (name: string) => string | undefined,
): Arguments | null {
  const { values, positionals } = readFlags({
    args: joinNegative(args),
    options: OPTIONS,
    allowPositionals: true,
  });
  if (values.help) return null;
  const [kind, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`One kind at a time: '${more[0]}' is too many`);
  if (values.json && values.quiet) throw new UsageError("--json and --quiet exclude each other");
  if (values.detach && values.save !== undefined) {
    throw new UsageError("--detach leaves before there is anything to --save");
  }
  let what: Arguments["what"];
  if (values.watch !== undefined) {
    const odd = kind !== undefined ? "a kind" : OF_NEW_TASKS.find((name) => values[name]);
    if (odd) throw new UsageError(`--watch takes an existing task: leave out ${odd}`);
    what = { watch: values.watch };
  } else {
    if (kind === undefined) throw new UsageError("Which kind of task? --help tells more");
    what = { kind };
  }
  const fields: Arguments["fields"] = {};
  if (values.priority !== undefined) fields.priority = wholeNumber(values.priority, "--priority");
  if (values.delay !== undefined) fields.delay_ms = milliseconds(values.delay, "--delay");
  if (values.owner !== undefined) fields.owner = values.owner;
  // Twice the same is once.
  if (values.tag !== undefined) fields.tags = [...new Set(values.tag)];
  if (values.keep !== undefined) {
    fields.keep = values.keep === "forever" ? "forever" : milliseconds(values.keep, "--keep");
  }
  return {
    url: serverUrl(values.url, env),
    token: values.token ?? (env("HEADWAY_TOKEN") || undefined),
    what,
    input: values.input === undefined ? undefined : json(values.input),
    upload: values.upload,
    fields,
    idempotencyKey: values["idempotency-key"],
    show: values.json ? "json" : values.quiet ? "quiet" : "person",
    detach: values.detach ?? false,
    save: values.save,
  };
}

/**
 * Reads flags as `parseArgs()` of Node does.
 *
 * @throws {UsageError} With what is wrong.
 */
export function readFlags<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** `--priority -5` is plain to people; the parser wants `--priority=-5`. */
function joinNegative(args: string[]): string[] {
  const at = args.indexOf("--priority");
  const value = args[at + 1];
  if (at < 0 || value === undefined || !/^-\d+$/.test(value)) return args;
  return args.toSpliced(at, 2, `--priority=${value}`);
}

export function serverUrl(
  given: string | undefined,
  env: (name: string) => string | undefined,
): string {
  const host = env("HEADWAY_HOST") || "127.0.0.1";
  const named = host.includes(":") ? `[${host}]` : host;
  const port = env("HEADWAY_PORT") || "8000";
  const below = parseBasePath(env("HEADWAY_BASE_PATH") ?? "");
  if (below === null) throw new UsageError(`HEADWAY_BASE_PATH must be ${BASE_PATH_SHAPE}`);
  const text = given ?? (env("HEADWAY_URL") || `http://${named}:${port}${below}`);
  const url = URL.parse(text);
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new UsageError(
      `The server's address must begin with http:// or https://: it is '${text}'`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

function json(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof InexactNumberError) {
      throw new UsageError(`--input: ${["input", ...error.path].join(".")} ${error.message}`);
    }
    throw new UsageError(`--input is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function wholeNumber(text: string, flag: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${flag} must be a whole number: it is '${text}'`);
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time, as 30s or 7d. */
export function milliseconds(text: string, flag: string): number {
  const [, number, unit = "ms"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new UsageError(`${flag} must be a time such as 30s or 5m: it is '${text}'`);
  }
  return Math.round(Number(number) * UNITS[unit]!);
}
