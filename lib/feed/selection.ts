/**
 * Which tasks a stream over many tasks is about, and which events concern them.
 *
 * @module
 */

import { isOfRows, type TaskEvent } from "../task/event.ts";
import { idOf } from "../task/json_text.ts";
import { isAmongThose, type Labels, labelsOf, NO_PARENT } from "../task/labels.ts";
import type { TaskRecord } from "../task/record.ts";
import type { HubEvent } from "./hub_event.ts";
import type { Own } from "./own_tasks.ts";
import type { Topic } from "./topics.ts";

/** Tasks that match every field: of these ids, or one's own; of a kind; with these labels. */
export interface Some extends Labels {
  ids?: readonly string[];
  own?: Own;
  kind?: string;
}

export type Selection = Some | "all";

/** Returns whether an event, asked of each in order, is of a selected task. Rows need no labels. */
export function picker(
  selection: Some,
): (event: TaskEvent, hubEvent?: Pick<HubEvent, "labels">) => boolean {
  const { ids, own, kind } = selection;
  const named = ids && new Set(ids);
  const told = own && new ToldOwn(own);
  const labeled = isLabeled(selection);
  return (event, hubEvent) => {
    if (told && !told.has(event)) return false;
    if (named?.has(event.id) === false) return false;
    if (kind !== undefined && event.kind !== kind) return false;
    if (!labeled || isOfRows(event.type)) return true;
    return isAmongThose(event.id, hubEvent?.labels ?? labelsOf(event.json), selection);
  };
}

/** One's own tasks: the known ones, and those whose `submitted` event came by. */
class ToldOwn {
  readonly #own: Own;
  readonly #told = new Set<string>();

  constructor(own: Own) {
    this.#own = own;
  }

  has({ type, id, json }: TaskEvent): boolean {
    if (this.#own.has(id)) return true;
    if (type === "submitted" && json === this.#own.json) this.#told.add(id);
    return this.#told.has(id);
  }
}

export function isLabeled({ owner, tags = [], parent_id }: Some): boolean {
  return owner !== undefined || tags.length > 0 || parent_id !== undefined;
}

/** The smallest topic that includes all selected tasks. */
export function topicOf(selection: Some | null): Topic {
  if (selection === null) return "all";
  const { ids, own, kind, owner, tags: [tag] = [], parent_id: parent } = selection;
  if (ids) return { ids };
  if (parent !== undefined && parent !== NO_PARENT) return { parent };
  if (owner !== undefined) return { owner };
  if (tag !== undefined) return { tag };
  return own || kind === undefined ? "all" : { kind };
}

/** Whether a record, as JSON text, has the kind and the labels; ids and `own` are not checked. */
export function picksRecord(json: string, selection: Some): boolean {
  const { kind } = selection;
  if (kind !== undefined && (JSON.parse(json) as TaskRecord).kind !== kind) return false;
  return !isLabeled(selection) || isAmongThose(idOf(json), labelsOf(json), selection);
}
