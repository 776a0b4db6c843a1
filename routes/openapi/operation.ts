/**
 * The description of a route, and the parameters that several routes have.
 *
 * @module
 */

import { z } from "zod";
import { KIND_PATTERN } from "../../lib/task/define.ts";
import { MAX_TAGS, NO_PARENT } from "../../lib/task/labels.ts";
import { OWNER, TAG } from "../bodies.ts";
import type { SchemaName } from "./schemas.ts";

/** An answer: what it means, and its body, where it has one: JSON of a shape, or a media type. */
export type Answer = readonly [description: string, body?: SchemaName | MediaType];

type MediaType = `${string}/${string}`;

/** A parameter: its schema with a description. */
type Parameters = Record<string, z.ZodType>;

/** What is said of a route. */
export interface Operation {
  /** Names it in generated clients. */
  id: string;
  summary: string;
  /** What a caller should know beside. */
  description?: string;
  query?: Parameters;
  /** Those of them that must be there. */
  required?: readonly string[];
  headers?: Parameters;
  /** Parts of the path that are not any text. */
  path?: Record<string, z.ZodType>;
  /** The body's JSON, or `"bytes"`. */
  body?: z.ZodType | "bytes";
  /** A request without a body is fine. */
  bodyOptional?: boolean;
  /** It writes into the store. */
  writes?: boolean;
  /** By status, beside those that follow from the table. */
  answers: Record<number, Answer>;
}

export const text = z.string();
export const SSE = "text/event-stream";
export const whole = (min: number, max: number) => z.int().min(min).max(max);
/** RFC 3339, by patterns: a format alone tells most programs nothing. */
const INSTANT = z.union([
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }),
]);
export const instant = INSTANT.describe(
  "ISO 8601 with its zone, such as 2026-01-31T12:00:00Z",
);
export const many = (word: z.ZodType, of: string, max: number) =>
  z.array(word).max(max).describe(`${of}, separated by commas`);
/** What is empty counts as not given. */
export const orNone = ({ source }: RegExp) =>
  z.string().regex(new RegExp(`^(?:${source.slice(1, -1)})?$`));
export const kind = z.string().regex(KIND_PATTERN);

/** A task's, in either case. */
export const ANY_ID = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$/);

export const labels = {
  owner: OWNER.describe("The tasks of this owner"),
  tag: many(TAG, "Up to 20 tags: tasks that have all of them", MAX_TAGS),
  parent: z.union([z.literal(NO_PARENT), ANY_ID])
    .describe("The children of this task; 'none' for tasks without a parent"),
};

export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/);
