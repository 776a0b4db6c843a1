import type { Status } from "../task/record.ts";

/** The result of a request to change a task. */
export type Decided =
  | { ok: true; status: Status }
  | { ok: true; status: "asked" }
  | { ok: false; reason: "not-found" }
  | { ok: false; reason: "wrong-state"; status: Status }
  | { ok: false; reason: "no-upload"; upload: string; status: Status }
  /** It is a child of this task, which has not ended and may want its result. */
  | { ok: false; reason: "has-parent"; parent: string; status: Status }
  /** It is a child of this task, which has ended or is gone: nobody waits for its result. */
  | { ok: false; reason: "parent-over"; parent: string; status: Status };
