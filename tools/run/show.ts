/**
 * Shows a task: to a person at a terminal, line by line into a pipe, or as JSON to a script.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import { amount, bytes, percent, tookTime } from "../../static/i18n/format.ts";
import type { Arguments } from "./arguments.ts";
import { bar, type BarRecord } from "./bar.ts";
import { Screen, write } from "./screen.ts";
import { cleanJson, cleanLine, cleanText } from "./text.ts";
import type { TaskEvent } from "./watch.ts";

const COLORS = { red: 31, green: 32, yellow: 33, dim: 2 } as const;
const LEVELS: Record<string, keyof typeof COLORS> = {
  debug: "dim",
  warn: "yellow",
  error: "red",
};

export class Show implements Disposable {
  readonly #how: Arguments["show"];
  readonly #screen = new Screen();
  /** What the last plain line said: a state, and tenths of the way. */
  #state = "";
  #tenth = 0;

  /** `how`: for whom. */
  constructor(how: Arguments["show"]) {
    this.#how = how;
  }

  event({ event, id, data }: TaskEvent): void {
    if (this.#how === "json") return this.#print(cleanJson({ event, id, data }));
    if (this.#how === "quiet") return;
    if (event === "message") this.record(data);
    else if (event === "log") this.#log(data);
    else if (event === "artifact") {
      this.#print(
        `${this.#time(data.time)}file ${cleanLine(data.name)} (${bytes(data.size)})`.replaceAll(
          "\u00a0",
          " ",
        ),
      );
    } else if (event === "output") {
      this.#print(`${this.#time(data.time)}output ${cleanJson(data.data ?? data)}`);
    } else if (event === "rewind") {
      this.#print(
        `${this.#time(data.time)}rewind: outputs since the last checkpoint no longer count`,
      );
    }
  }

  /** How far a task, or an upload, is. */
  record(record: BarRecord): void {
    if (this.#how !== "person") return;
    const came = performance.now();
    if (this.#screen.terminal) {
      return this.#screen.bar((width) => bar(record, width, Date.now(), performance.now() - came));
    }
    const { status, progress, done, total, unit } = record;
    const by = byWhom(record);
    const state = record.cancel_requested && status === "running" ? "canceling" : status;
    const tenth = Math.floor((progress ?? 0) / 10);
    const same = state === this.#state && tenth === this.#tenth;
    this.#state = state;
    this.#tenth = tenth;
    // The end has a line of its own.
    if (same || !["pending", "running", "waiting", "canceling"].includes(state)) return;
    const facts = [
      progress === null ? null : percent(progress),
      amount(done, total, unit),
      record.message,
    ].filter((fact) => fact !== null).map((fact) => cleanLine(fact).replaceAll("\u00a0", " "));
    this.#print(this.#time() + [state + by, ...facts].join(" · "));
  }

  end(record: TaskRecord): void {
    const { status, result, error, created_at, finished_at } = record;
    if (this.#how === "json") {
      return this.#print(cleanJson({ event: "record", id: String(record.seq), data: record }));
    }
    this[Symbol.dispose]();
    const why = error === null ? "" : `: ${cleanText(`${error.name}: ${error.message}`)}`;
    if (this.#how === "quiet") {
      if (status !== "completed") this.notice(status + why);
    } else {
      const took = tookTime(Date.parse(finished_at ?? "") - Date.parse(created_at));
      const color = status === "completed" ? "green" : status === "failed" ? "red" : "yellow";
      this.#print(
        `${this.#paint(color, status)}${byWhom(record)} after ${
          took.replaceAll("\u00a0", " ")
        }${why}`,
      );
    }
    if (status === "completed" && result !== null) this.#print(cleanJson(result, 2));
    if (record.result_url && result === null) {
      this.notice("The result is large: --save DIR puts result.json there");
    }
  }

  /** A sentence of the command itself: not on stdout, which may be read by a program. */
  notice(text: string): void {
    const clean = cleanText(text);
    if (this.#screen.terminal && this.#how === "person") this.#screen.print(clean);
    else write(Deno.stderr, `${clean}\n`);
  }

  /** A file that was saved. */
  saved(path: string, size: number): void {
    if (this.#how === "person") {
      this.#print(`saved ${cleanLine(path)} (${bytes(size)})`.replaceAll("\u00a0", " "));
    }
  }

  id(id: string): void {
    this.#print(this.#how === "json" ? cleanJson({ task_id: id }) : cleanLine(id));
  }

  #log({ level, message, time }: { level: string; message: string; time: string }): void {
    const color = LEVELS[level];
    const shown = color ? this.#paint(color, cleanLine(level)) : cleanLine(level);
    this.#print(`${this.#time(time)}${shown} ${cleanText(message)}`);
  }

  #time(iso: string | number = Date.now()): string {
    const at = new Date(iso);
    const text = Number.isNaN(at.getTime()) ? "--:--:--" : at.toTimeString().slice(0, 8);
    return `${this.#paint("dim", text)} `;
  }

  #paint(color: keyof typeof COLORS, text: string): string {
    if (!this.#screen.terminal || Deno.noColor) return text;
    return `\x1b[${COLORS[color]}m${text}\x1b[0m`;
  }

  #print(text: string): void {
    this.#screen.print(text);
  }

  [Symbol.dispose](): void {
    this.#screen[Symbol.dispose]();
  }
}

/** Who asked for the state that it is in, where they have a name. */
function byWhom({ by }: Pick<TaskRecord, "by">): string {
  return by === undefined || by === "anonymous" ? "" : ` by ${cleanLine(by)}`;
}
