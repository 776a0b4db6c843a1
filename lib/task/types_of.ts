/**
 * The types of a task's input, checkpoint, outputs and result, taken from its definition.
 *
 * @module
 */

import type { OutputOf, SchemaInputOf, StandardSchema } from "./standard_schema.ts";
import type { OutputYield } from "./yield.ts";

/** The validated input of a task definition or of a schema; `unknown` without a schema. */
export type InputOf<Of> = Of extends StandardSchema ? OutputOf<Of>
  : Of extends { readonly input: StandardSchema<infer _, infer Input> | undefined } ? Input
  : unknown;

/** The input as it is submitted: {@link InputOf}, but fields with a default may be left out. */
export type GivenOf<Of> = Of extends StandardSchema ? SchemaInputOf<Of>
  : Of extends { readonly input: StandardSchema<infer Given, infer _> | undefined } ? Given
  : unknown;

/** The checkpoint that `run` gets, of a task definition or of a schema; `any` without a schema. */
export type CheckpointOf<Of> = Of extends StandardSchema ? OutputOf<Of>
  : Of extends { readonly checkpoint: StandardSchema<infer _, infer Checkpoint> | undefined }
    ? Checkpoint
  // deno-lint-ignore no-explicit-any -- without a schema, the task knows what it saves
  : any;

/** What `save()` takes: {@link CheckpointOf}, but fields with a default may be left out. */
export type SavedOf<Of> = Of extends StandardSchema ? SchemaInputOf<Of>
  : Of extends { readonly checkpoint: StandardSchema<infer Saved, infer _> | undefined } ? Saved
  // deno-lint-ignore no-explicit-any -- without a schema, the task knows what it saves
  : any;

/** What a task yields with `output()`, of a task definition or of the type of its yields. */
export type OutputsOf<Of> = Of extends OutputYield<infer Output> ? Output
  : Of extends { run(context: never): AsyncGenerator<infer Yielded> } ? OutputsOf<Yielded>
  : unknown extends Of ? unknown
  : never;

/** What the generator of a task definition returns. */
export type ResultOf<Task> = Task extends
  { run(context: never): AsyncGenerator<unknown, infer Result> } ? Result
  : unknown;
