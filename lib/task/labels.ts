/**
 * The labels of a task: its owner, its tags and its parent. They follow right after the state in
 * its record, so that they are read from its text without parsing all of it.
 *
 * @module
 */

import { plainText } from "./text.ts";

export interface Labels {
  /** The task's owner; absent for none. */
  owner?: string;
  /** Without duplicates; absent for none. */
  tags?: readonly string[];
  /** The task that made it; absent if it is not a child. */
  parent_id?: string;
}

/** The value of a `parent_id` filter that selects tasks without a parent. */
export const NO_PARENT = "none";

/** Who a task or an upload belongs to: decides who may see it. */
export interface Whose {
  owner?: string;
  /** The name of the token that submitted it; absent for this program itself, or without tokens. */
  submitter?: string;
}

/** The most characters of an owner. */
export const MAX_OWNER = 128;

/** The most tags of a task, and of a query. */
export const MAX_TAGS = 20;

/** The most characters of a tag. */
export const MAX_TAG = 64;

export const OWNER_PATTERN: RegExp = plainText(MAX_OWNER);

/** Excludes the comma, which separates the tags of a query. */
export const TAG_PATTERN: RegExp = plainText(MAX_TAG, ",");

const TEXT = String.raw`"(?:[^"\\]|\\.)*"`;
const LABELS = new RegExp(
  String.raw`^\{"task_id":"\w+"(?:,"kind":"[^"]+")?(?:,"status":"\w+")?` +
    String.raw`(?:,"owner":(${TEXT}))?(?:,"tags":(\[(?:${TEXT},?)*\]))?(?:,"parent_id":"(\w+)")?`,
);

const NONE: Labels = Object.freeze({});

/**
 * The labels in a record's text, and in the data of `complete` and `deleted` events.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { labelsOf } from "./labels.ts";
 *
 * const record = '{"task_id":"01J","kind":"k","status":"pending","tags":["a"],"progress":0}';
 * assertEquals(labelsOf(record), { tags: ["a"] });
 * ```
 */
export function labelsOf(json: string): Labels {
  const [, owner, tags, parent_id] = LABELS.exec(json) ?? [];
  if (owner === undefined && tags === undefined && parent_id === undefined) return NONE;
  return {
    ...(owner === undefined ? {} : { owner: JSON.parse(owner) as string }),
    ...(tags === undefined ? {} : { tags: JSON.parse(tags) as string[] }),
    ...(parent_id === undefined ? {} : { parent_id }),
  };
}

/** Only the labels, as a record has them: without empty ones. */
export function onlyLabels({ owner, tags, parent_id }: Labels): Labels {
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags }),
    ...(parent_id === undefined ? {} : { parent_id }),
  };
}

/** Whether a task's labels match: the wanted owner and parent, and each of the wanted tags. */
export function haveLabels(labels: Labels, { owner, tags = [], parent_id }: Labels): boolean {
  const parent = labels.parent_id ?? NO_PARENT;
  if (parent_id !== undefined && parent !== parent_id) return false;
  if (owner !== undefined && labels.owner !== owner) return false;
  return tags.every((tag) => labels.tags?.includes(tag) === true);
}

/** {@link haveLabels} for the task `id`; a parent also matches a query for its own children. */
export function isAmongThose(id: string, labels: Labels, wanted: Labels): boolean {
  if (wanted.parent_id !== id) return haveLabels(labels, wanted);
  const { parent_id: _, ...others } = wanted;
  return haveLabels(labels, others);
}
