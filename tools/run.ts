/**
 * `deno task run`: submits a task, or takes an existing one, and shows it to its end. It exits with
 * a status code that tells how the task ended.
 *
 * @module
 */

import { Api, ServerError } from "./run/api.ts";
import { type Arguments, HELP, readArguments, UsageError } from "./run/arguments.ts";
import { saveArtifacts } from "./run/save.ts";
import { write } from "./run/screen.ts";
import { Show } from "./run/show.ts";
import { withUpload } from "./run/upload.ts";
import { watch } from "./run/watch.ts";

const EXIT = { completed: 0, failed: 1, usage: 2, canceled: 3, server: 4, left: 130 } as const;

/** Milliseconds in which an interrupt is still the same press: `deno task` may pass it on as well. */
const SAME_PRESS_MS = 150;

async function run(args: Arguments, show: Show): Promise<number> {
  const api = new Api(args.url, args.token);
  let id: string | null = null;
  let askedAt: number | null = null;
  const leave = () => {
    if (id !== null) show.notice(`Left. Watch it again with --watch ${id}`);
    show[Symbol.dispose]();
    Deno.exit(EXIT.left);
  };
  const interrupt = () => {
    const now = performance.now();
    if (askedAt !== null && now - askedAt < SAME_PRESS_MS) return;
    if (id === null || askedAt !== null) leave();
    askedAt = now;
    show.notice("canceling…, Ctrl-C again leaves it running");
    api.cancel(id!).catch((error) => {
      // 409: it has ended by itself, which its stream tells.
      if (error.status !== 409) show.notice(`Could not cancel it. ${error.message}`);
    });
  };
  Deno.addSignalListener("SIGINT", interrupt);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, leave);

  id = await taskId(api, args, show);
  if (args.detach) {
    show.id(id);
    return EXIT.completed;
  }
  const connection = (up: boolean) =>
    show.notice(up ? "Reconnected" : "The connection is lost; trying again…");
  const events = watch(api, id, connection);
  while (true) {
    const { done, value } = await events.next();
    if (!done) {
      show.event(value);
      continue;
    }
    const large = args.show === "quiet" && value.result_url !== undefined;
    show.end(large ? { ...value, result: await api.largeResult(id) } : value);
    if (args.save !== undefined) await saveArtifacts(api, value, args.save, show);
    return EXIT[value.status as "completed" | "failed" | "canceled"];
  }
}

async function taskId(api: Api, args: Arguments, show: Show): Promise<string> {
  // Asked for once, so that an unknown task or server is told at once.
  if ("watch" in args.what) return (await api.task(args.what.watch)).task_id;
  const { kind } = args.what;
  const task = { ...args.fields, kind, input: args.input };
  // A script that reads the id reads nothing else.
  const silent = args.detach && !Deno.stdout.isTerminal();
  const input = args.upload === undefined
    ? args.input
    : await withUpload(api, args.upload, task, (record) => silent || show.record(record));
  const body = { kind, ...(input === undefined ? {} : { input }), ...args.fields };
  return (await api.submit(body, args.idempotencyKey)).task_id;
}

/** @returns Its exit code. */
export async function runCommand(given: string[]): Promise<number> {
  using shown = new DisposableStack();
  try {
    const args = readArguments(given, (name) => Deno.env.get(name));
    if (args === null) {
      write(Deno.stdout, HELP);
      return EXIT.completed;
    }
    return await run(args, shown.use(new Show(args.show)));
  } catch (error) {
    shown.dispose();
    // Whoever read this has left, as `head` does.
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.left;
    if (!(error instanceof UsageError || error instanceof ServerError)) throw error;
    new Show("quiet").notice(error.message);
    return error instanceof UsageError || error.badInput ? EXIT.usage : EXIT.server;
  }
}

if (import.meta.main) Deno.exit(await runCommand(Deno.args));
