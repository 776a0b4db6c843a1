import { removedArtifacts } from "../kv/artifacts.ts";
import { type AuditEntry, auditSet } from "../kv/audit.ts";
import type { Head } from "../kv/head.ts";
import type { Heads } from "../kv/heads.ts";
import { type Key, keys } from "../kv/keys.ts";
import { fewRows, removeRows } from "../kv/removed_rows.ts";
import type { TaskEvent } from "../task/event.ts";
import { onlyLabels } from "../task/labels.ts";
import { isFinished, type TaskRecord } from "../task/record.ts";
import { expiryOf } from "../task/retention.ts";
import type { Decided } from "./decided.ts";
import type { Decisions } from "./decisions.ts";
import type { Family } from "./family.ts";
import { setKeysOf, untilIn } from "./index_keys.ts";
import type { Journal } from "./journal.ts";
import type { LiveTasks } from "./live_tasks.ts";
import { decideAgain, inTime, stillHeld } from "./store_error.ts";
import { submittedEvents } from "./submissions.ts";

export interface RemovalsOptions {
  kv: Deno.Kv;
  heads: Heads;
  journal: Journal;
  tasks: LiveTasks;
  decisions: Decisions;
  family: Pick<Family, "look">;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Removes tasks that have ended. */
export class Removals {
  readonly #options: RemovalsOptions;

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /**
   * Removes a finished task and all that belongs to it.
   *
   * @param known Its head, if it was just read.
   * @param by Who asks for it; absent for the server itself.
   */
  remove(
    id: string,
    { known, by }: { known?: Deno.KvEntryMaybe<Head>; by?: string } = {},
  ): Promise<Decided> {
    const { kv, heads, journal, tasks, decisions, family } = this.#options;
    decisions.requireStore();
    let read = known;
    return decideAgain<Decided>(async () => {
      // Its end may be on the way: it leaves memory as it is stored, so memory is looked at first.
      const ended = tasks.get(id);
      if (ended && isFinished(ended.record.status)) await inTime(ended.committed());
      const entry = read ?? await heads.entry(id);
      read = undefined;
      if (!entry.value) return { ok: false, reason: "not-found" };
      const record = JSON.parse(entry.value.record) as TaskRecord;
      const { status, kind, parent_id: parent } = record;
      if (parent !== undefined && await decisions.isUnderWay(parent)) {
        return { ok: false, reason: "has-parent", parent, status };
      }
      // Nothing leads to its children once it is gone, so those that have not ended are canceled first.
      if (isFinished(status) && entry.value.children !== undefined) await family.look(id);
      const few = isFinished(status) && !entry.value.answers && !entry.value.notify;
      const rows = few ? await fewRows(kv, id, entry.value.rowBytes ?? 0) : null;
      const artifacts = record.artifacts ? await removedArtifacts(kv, id) : null;
      // Nothing is awaited from here to `tasks.leave()`, so nothing else can get at the task.
      const under = tasks.leaving(id);
      if (under) {
        await under;
        return undefined;
      }
      if (entry.value.owner !== null || !isFinished(status) || tasks.get(id)) {
        const live = tasks.get(id);
        const ends = live !== undefined && isFinished(live.record.status);
        return ends ? undefined : { ok: false, reason: "wrong-state", status };
      }
      const deletes = [
        keys.task(id),
        keys.index(kind, status, id),
        keys.input(id),
        keys.result(id),
        keys.checkpoint(id),
        keys.cancel(id),
        ...setKeysOf(record, entry.value),
        ...expiryKeyOf(record, entry.value),
        ...artifacts?.deletes ?? [],
        ...childKeyOf(entry.value),
        ...rows ?? [],
      ];
      const removing = journal.write({
        checks: [{ key: entry.key, versionstamp: entry.versionstamp }],
        deletes,
        // Any process that finds this key removes the rows, even if this one dies now.
        sets: [
          ...artifacts?.sets ?? [],
          ...(rows === null ? [[keys.removed(id), null, 8] as [Key, unknown, number]] : []),
          ...(by === undefined ? [] : [auditSet(kind, this.#deletion(id, by))]),
        ],
        events: removalOf(record, entry.value),
      });
      if (!await stillHeld(tasks.leave(id, removing))) return undefined;
      if (rows === null) await removeRows(kv, id);
      return { ok: true, status };
    });
  }

  #deletion(task_id: string, by: string): AuditEntry {
    return { action: "delete", by, at: new Date(this.#options.now()).toISOString(), task_id };
  }
}

function expiryKeyOf(record: TaskRecord, { retention }: Head): Key[] {
  const until = untilIn(expiryOf({ record, retention }));
  return until === null ? [] : [keys.expires(until, record.task_id)];
}

function childKeyOf({ child }: Head): Key[] {
  return child ? [keys.child(child.parent, child.name, child.index)] : [];
}

/** The events of a removal. They say who submitted the task, since nothing in the store does now. */
function removalOf(record: TaskRecord, { submitter }: Head): TaskEvent[] {
  const { task_id: id, kind, seq } = record;
  const json = JSON.stringify({ task_id: id, ...onlyLabels(record) });
  return [
    ...submittedEvents(id, kind, submitter),
    { type: "deleted", id, kind, seq: seq + 1, json },
  ];
}
