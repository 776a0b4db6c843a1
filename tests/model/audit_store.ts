import { keyText } from "../../lib/kv/keys.ts";
import { parseRows } from "../../lib/kv/event_text.ts";
import type { StoredArtifact } from "../../lib/kv/artifacts.ts";
import { checkArtifacts } from "./audit_store_artifacts.ts";
import { checkDeliveries } from "./audit_store_deliveries.ts";
import { checkGroups } from "./audit_store_groups.ts";
import { rankKey, rankOf } from "../../lib/kv/rank.ts";
import { isFinished, isQueued, type TaskRecord } from "../../lib/task/record.ts";
import type { Head } from "../../lib/kv/head.ts";
import { holds, type Invariant } from "./invariants.ts";
import type { Reference } from "./reference.ts";
import { RunTime } from "./run_time.ts";

/** First parts of the keys whose second part is a task's id. */
const OF_TASK = ["event", "answer", "input", "result", "checkpoint", "cancel", "artifact"];

/** First parts of the keys of indexes, which must agree with the records. */
const INDEXES = [
  "index",
  "owned",
  "tagged",
  "children",
  "scheduled",
  "queue",
  "later",
  "slot",
  "upload-hold",
  "debounce",
];

interface KnownRows {
  /** The `seq` of the last row. */
  last: number;
  /** The last row number that the task logged. */
  row: number;
  /** The `seq` of each output. */
  outputs: number[];
  time: RunTime;
}

/** Checks the database itself, key by key, whenever the server is down. */
export function auditStore(
  entries: readonly Deno.KvEntry<unknown>[],
  reference: Reference,
  { clean }: { clean: boolean },
): void {
  const heads = new Map<string, Head>();
  const bodies = new Set<string>();
  const records = new Map<string, TaskRecord>();
  const given = new Set<string>();
  for (const { key, value } of entries) {
    given.add(keyText(key));
    if (key[0] === "upload" || key[0] === "arriving") bodies.add(String(key[1]));
    if (key[0] === "artifact") bodies.add((value as StoredArtifact).id);
    if (key[0] !== "task") continue;
    heads.set(String(key[1]), value as Head);
    records.set(String(key[1]), JSON.parse((value as Head).record));
  }
  for (const { id, gone } of reference.tasks) {
    if (gone === false) holds("I1", heads.has(id), () => `${id} is not in the file`);
    if (gone === true) holds("I5", !heads.has(id), () => `${id} is in the file`);
  }
  const expected = new Set<string>();
  for (const [id, { slot, slotName, uploads = [], debounce }] of heads) {
    const record = records.get(id)!;
    if (debounce !== undefined) expected.add(keyText(["debounce", record.kind, debounce]));
    if (record.owner !== undefined) expected.add(keyText(["owned", record.owner, id]));
    if (record.parent_id) expected.add(keyText(["children", record.parent_id, id]));
    for (const tag of record.tags ?? []) expected.add(keyText(["tagged", tag, id]));
    expected.add(keyText(["index", record.kind, record.status, id]));
    if (isQueued(record)) expected.add(keyText(rankKey(rankOf(record))));
    if (slot !== null) expected.add(keyText(["slot", slotName ?? record.kind, slot]));
    if (slot !== null) holds("I12", record.status === "running", () => `${id} has a place`);
    if (isFinished(record.status)) continue;
    if (record.schedule_id) expected.add(keyText(["scheduled", record.schedule_id, id]));
    const named = reference.tasks.find((task) => task.id === id)?.fate.script.upload;
    const right = !named || uploads.includes(named);
    holds("I17", right, () => `${id} is ${record.status} and does not hold ${named}`);
    for (const upload of uploads) {
      expected.add(keyText(["upload-hold", upload, id]));
      const there = given.has(keyText(["upload", upload]));
      holds("I17", there, () => `${id} is ${record.status} and ${upload} is gone`);
    }
  }
  checkArtifacts(entries, records);
  checkGroups(entries, heads);
  checkDeliveries(entries);
  for (const key of expected) holds("I7", given.has(key), () => `${key} is missing`);
  const rows = new Map<string, KnownRows>();
  for (const { key, value } of entries) {
    const [type, id] = key.map(String) as [string, string];
    const check = (invariant: Invariant, condition: boolean, what: string) =>
      holds(invariant, condition, () => `${key.join(" ")}: ${what}`);
    if (INDEXES.includes(type)) {
      check("I7", expected.has(keyText(key)), "says something else than the record");
    }
    // Tasks whose rows are still being removed are listed under `removed`.
    const listed = ["event", "answer"].includes(type) && given.has(keyText(["removed", id]));
    if (OF_TASK.includes(type)) check("I5", heads.has(id) || listed, "its task is gone");
    if (type === "piece") check("I5", bodies.has(id), "what it is of is gone");
    if (clean && ["session", "dead"].includes(type)) check("I14", false, "left behind");
    if (type !== "event") continue;
    const known = rows.get(id) ?? { last: 0, row: 0, outputs: [], time: new RunTime() };
    const { rewound } = heads.get(id) ?? {};
    for (const { seq, type, json } of parseRows(value as Uint8Array)) {
      check("I3", seq > known.last, `seq ${seq} after ${known.last}`);
      known.last = seq;
      const data = JSON.parse(json);
      if (type === "output") known.outputs.push(seq);
      if (type === "rewind") {
        const going = rewound?.left && rewound.before === seq;
        const left = known.outputs.some((seq) => seq > data.after);
        check("I19", !left || going === true, `outputs behind ${data.after} are left`);
      }
      if (type === "log") {
        const { row, from, cleaned } = data.data ?? {};
        known.row = row ?? from ?? cleaned ?? known.row;
      }
      known.time.push(type, data);
      if (type === "message" && data.status === "pending" && data.attempt === 0) known.row = 0;
    }
    check("I3", Number(key[2]) === known.last, `ends with ${known.last}`);
    const { seq } = records.get(id) ?? { seq: Infinity };
    check("I9", known.last <= seq, `the record has ${seq}`);
    rows.set(id, known);
  }
  for (const [id, { time }] of rows) {
    const { ranMs = 0 } = heads.get(id) ?? { ranMs: Infinity };
    holds("I13", time.ms <= ranMs, () => `${id} ran for ${time.ms} ms, and ${ranMs} are counted`);
  }
  for (const { key, value } of entries) {
    if (key[0] !== "checkpoint") continue;
    const id = String(key[1]);
    const { every } = reference.tasks.find((task) => task.id === id)?.fate.script ?? { every: 0 };
    if (every === 0 || records.get(id)!.status !== "running") continue;
    const saved = JSON.parse(new TextDecoder().decode(value as Uint8Array)).row as number;
    const { row } = rows.get(id)!;
    // The checkpoint after the last row may not be stored yet; the one before it must be.
    const right = saved <= row && saved >= row - 1 - (row - 1) % every;
    holds("I4", row === 0 || right, () => `${id} has saved ${saved} and shows row ${row}`);
  }
}
