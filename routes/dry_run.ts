/**
 * Counts what a bulk change would do, without doing it.
 *
 * @module
 */

import { isUnderWay } from "../lib/kv/head.ts";
import { idOf, statusOf } from "../lib/task/json_text.ts";
import { labelsOf } from "../lib/task/labels.ts";
import { isFinished, type Status } from "../lib/task/record.ts";
import type { App } from "./app.ts";
import type { BulkAction } from "./bodies.ts";

export type CountByStatus = Partial<Record<Status, number>>;

/** Whether an action may be done to a task in this state. */
const MAY: Record<BulkAction, (status: Status) => boolean> = {
  cancel: (status) => !isFinished(status),
  retry: (status) => status === "failed" || status === "canceled",
  delete: isFinished,
};

/** Whether it may be done to a child whose parent has not ended, or has. */
const MAY_CHILD: Record<BulkAction, (parentIsUnderWay: boolean) => boolean> = {
  cancel: () => true,
  retry: (parentIsUnderWay) => parentIsUnderWay,
  delete: (parentIsUnderWay) => !parentIsUnderWay,
};

export class DryRun {
  matched = 0;
  /** How many it would not be done to, by the state that they are in. */
  readonly refused: CountByStatus = {};
  readonly #app: App;
  readonly #action: BulkAction;

  constructor(app: App, action: BulkAction) {
    this.#app = app;
    this.#action = action;
  }

  /** Takes tasks into account: their records as JSON text. */
  async look(records: readonly string[]): Promise<void> {
    const action = this.#action;
    const able = records.filter((json) => MAY[action](statusOf(json) as Status));
    const parents = action === "cancel" ? [] : able.map((json) => labelsOf(json).parent_id);
    const underWay = await this.#underWay(new Set(parents.filter((id) => id !== undefined)));
    const lacking = action === "retry" ? await this.#lacking(able.map(idOf)) : new Set();
    for (const json of records) {
      this.matched++;
      const status = statusOf(json) as Status;
      const { parent_id } = labelsOf(json);
      const may = MAY[action](status) && !lacking.has(idOf(json)) &&
        (parent_id === undefined || MAY_CHILD[action](underWay.has(parent_id)));
      if (!may) countIn(this.refused, status);
    }
  }

  /** Those that have not ended. */
  async #underWay(ids: ReadonlySet<string>): Promise<Set<string>> {
    const underWay = new Set<string>();
    const wanted = [...ids];
    const entries = await this.#app.engine.heads.getMany(wanted);
    for (const [n, { value }] of entries.entries()) {
      if (isUnderWay(value)) underWay.add(wanted[n]!);
    }
    return underWay;
  }

  /** Those that name an upload which is gone. */
  async #lacking(ids: readonly string[]): Promise<Set<string>> {
    const { heads, uploads: stored } = this.#app.engine;
    const lacking = new Set<string>();
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      const uploads = (await heads.getMany(some)).map(({ value }) => value?.uploads ?? []);
      const there = await stored.there([...new Set(uploads.flat())]);
      for (const [n, its] of uploads.entries()) {
        if (!its.every((id) => there.has(id))) lacking.add(some[n]!);
      }
    }
    return lacking;
  }
}

/** Tasks whose uploads are looked for at once: each may name a hundred. */
const AT_ONCE = 100;

export function countIn(counts: CountByStatus, status: Status): void {
  counts[status] = (counts[status] ?? 0) + 1;
}
