/**
 * Reads and sets fields of JSON text without parsing it: records and rows are passed on thousands
 * of times a second. Each function relies on text that `JSON.stringify` made of one of our own
 * objects, whose fields are in a known order, and in which a quote within a string is escaped.
 *
 * @module
 */

/** An object with a field put before its others. Object and value are JSON text. */
export function withFirst(object: string, name: string, value: string): string {
  return `{"${name}":${value}${object === "{}" ? "}" : `,${object.slice(1)}`}`;
}

/** An object with a field put after its others. Object and value are JSON text. */
export function withLast(object: string, name: string, value: string): string {
  return `${object === "{}" ? "{" : `${object.slice(0, -1)},`}"${name}":${value}}`;
}

/** A record with its result: stored records have `null` there, and the result is stored apart. */
export function withResult(record: string, result: string): string {
  return record.replace('"result":null', () => `"result":${result}`);
}

/** The `task_id` of a record, which begins with it. */
export function idOf(record: string): string {
  return record.slice(12, 38);
}

/** The `seq` of a record, which ends with it. */
export function seqOf(record: string): number {
  return Number(record.slice(record.lastIndexOf(":") + 1, -1));
}

/** A record with this `seq`; the same text if it has that already. */
export function withSeq(record: string, seq: number): string {
  if (seqOf(record) === seq) return record;
  return `${record.slice(0, record.lastIndexOf(":") + 1)}${seq}}`;
}

const STATUS = /^\{"task_id":"\w+",(?:"kind":"[^"]+",)?"status":"(\w+)"/;

/** The `status` of a record or of the data of a `complete` event; `"unknown"` of any other text. */
export function statusOf(json: string): string {
  return STATUS.exec(json)?.[1] ?? "unknown";
}
