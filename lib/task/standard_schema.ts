/**
 * The [Standard Schema](https://standardschema.dev) interface, version 1, as far as Headway uses it:
 * any schema library that has it can describe a task's input.
 *
 * @module
 */

/** A schema of any library. */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The members that the standard defines. */
  readonly "~standard": StandardProps<Input, Output>;
}

/** The members of {@link StandardSchema}. */
export interface StandardProps<Input, Output> {
  /** The version of the standard. */
  readonly version: 1;
  /** The name of the schema library. */
  readonly vendor: string;
  /** Validates a value, and returns what the schema makes of it. */
  readonly validate: (
    value: unknown,
  ) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** The types of input and output, for the compiler only. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** The result of a validation: a value, or the issues that were found. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** Something that is wrong with a value. */
export interface StandardIssue {
  /** What is wrong. */
  readonly message: string;
  /** The keys that lead from the value to where it is wrong. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type that a schema takes. */
export type SchemaInputOf<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["input"];

/** The type that a schema returns. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];
