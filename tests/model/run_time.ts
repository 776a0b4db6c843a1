import type { TaskRecord } from "headway";

/**
 * The least time that the interrupted runs of an attempt took, by the task's rows: each log row says
 * how long its run had gone on. Runs whose server died count as nothing: it may have died before it
 * could store how long they took.
 */
export class RunTime {
  /** Milliseconds, of all earlier runs of the attempt. */
  ms = 0;
  #attempt = 0;
  #run = 0;

  /** Takes the next row. */
  // deno-lint-ignore no-explicit-any -- JSON
  push(type: string, data: any): void {
    if (type === "message" && data.status === "running") this.#begin(data.attempt);
    else if (type === "message" && data.status === "pending") this.#end(data);
    else if (type === "message" && data.status === "waiting") this.#end(data);
    else if (type === "log") this.#log(data);
  }

  #begin(attempt: number): void {
    if (attempt !== this.#attempt) this.ms = 0;
    this.#attempt = attempt;
    this.#run = 0;
  }

  #end({ attempt, error }: TaskRecord): void {
    // The attempt failed, or the task was retried.
    if (attempt === 0 || error !== null) this.ms = 0;
    else this.ms += this.#run;
    this.#run = 0;
  }

  #log({ message, data }: { message: string; data?: { ran?: number } }): void {
    this.#run = data?.ran ?? this.#run;
    if (message.startsWith("Interrupted: the server that ran it died")) this.#run = 0;
  }
}
