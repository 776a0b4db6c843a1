/**
 * The [Standard Schema](https://standardschema.dev) interface, version 1, as far as Headway uses it:
 * any schema library that has it can describe a task's input.
 *
 * @module
 */

/** A schema of any library. */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the standard asks for. */
  readonly "~standard": StandardProps<Input, Output>;
}

/** The members of {@link StandardSchema}. */
export interface StandardProps<Input, Output> {
  /** Of the standard. */
  readonly version: 1;
  /** The library. */
  readonly vendor: string;
  /** Checks a value, and makes of it what the schema says. */
  readonly validate: (
    value: unknown,
  ) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** For the compiler alone. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** What a validation gives: a value, or what is wrong. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** Something wrong, and where. */
export interface StandardIssue {
  /** What. */
  readonly message: string;
  /** Keys from the value down to it. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema takes. */
export type SchemaInputOf<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["input"];

/** What a schema makes of a value. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];
