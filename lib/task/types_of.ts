/**
 * What the type of a task's definition tells of its input, its checkpoint, its outputs and its result.
 *
 * @module
 */

import type { OutputOf, SchemaInputOf, StandardSchema } from "./standard_schema.ts";
import type { OutputYield } from "./yield.ts";

/** The validated input, by a definition or by its schema; `unknown` without a schema. */
export type InputOf<Of> = Of extends StandardSchema ? OutputOf<Of>
  : Of extends { readonly input: StandardSchema<infer _, infer Input> | undefined } ? Input
  : unknown;

/** What a submit takes: as {@link InputOf}, where a default may be left out. */
export type GivenOf<Of> = Of extends StandardSchema ? SchemaInputOf<Of>
  : Of extends { readonly input: StandardSchema<infer Given, infer _> | undefined } ? Given
  : unknown;

/** What a task goes on from, by its definition or by the schema of it; `any` without one. */
export type CheckpointOf<Of> = Of extends StandardSchema ? OutputOf<Of>
  : Of extends { readonly checkpoint: StandardSchema<infer _, infer Checkpoint> | undefined }
    ? Checkpoint
  // deno-lint-ignore no-explicit-any -- without a schema, the task knows what it saves
  : any;

/** What `save()` takes: as {@link CheckpointOf}, where a default may be left out. */
export type SavedOf<Of> = Of extends StandardSchema ? SchemaInputOf<Of>
  : Of extends { readonly checkpoint: StandardSchema<infer Saved, infer _> | undefined } ? Saved
  // deno-lint-ignore no-explicit-any -- likewise
  : any;

/** What a task puts out with `output()`, by its definition or by what it yields. */
export type OutputsOf<Of> = Of extends OutputYield<infer Output> ? Output
  : Of extends { run(context: never): AsyncGenerator<infer Yielded> } ? OutputsOf<Yielded>
  : unknown extends Of ? unknown
  : never;

/** What a task returns, by its definition. */
export type ResultOf<Task> = Task extends
  { run(context: never): AsyncGenerator<unknown, infer Result> } ? Result
  : unknown;
