import { batch, type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { bytes } from "../i18n/format.ts";
import type { Problem } from "./json_schema.ts";
import { firstValues, holdsInput, toInput, type Values, withPending } from "./form_values.ts";
import { type Field, fieldAt, formFields, jsonField } from "./kind_form.ts";
import { maxUpload } from "../app/store.ts";
import { strings } from "../i18n/strings.ts";

/** The values of a form, and what is wrong with them. */
export interface FormState {
  readonly fields: ReadonlySignal<readonly Field[]>;
  readonly values: ReadonlySignal<Values>;
  /** The picked files, by the path of their field. */
  readonly files: ReadonlySignal<ReadonlyMap<string, File>>;
  readonly problems: ReadonlySignal<readonly Problem[]>;
  /** Whether the input is written as JSON; `null` if it cannot be switched. */
  readonly asJson: ReadonlySignal<boolean | null>;
  readonly setValue: (path: string, value: Values[string]) => void;
  readonly setFile: (path: string, file: File) => void;
  /** Switches between JSON and fields, and keeps the input. */
  readonly switchMode: () => void;
  /** The input, with the ids of the uploads. Call it only if there are no problems. */
  readonly inputWith: (uploads: Values) => unknown;
}

/** The state of a form for a JSON Schema, filled with `input` unless that is `undefined`. */
export function useForm(schema: unknown, input: unknown): FormState {
  const form = useMemo(() => formFields(schema), [schema]);
  const json = useSignal(input !== undefined && !holdsInput(form, schema, input));
  const fields = useComputed(() => json.value ? [jsonField()] : form);
  const first = useMemo(() => firstValues(fields.peek(), schema, input), []);
  const values = useSignal<Values>(first);
  const files = useSignal<ReadonlyMap<string, File>>(new Map());
  const problems = useComputed(() => {
    const held = withPending(values.value, files.value.keys());
    const result = toInput(fields.value, schema, held);
    const wrong = "problems" in result ? result.problems : [];
    return [...tooLarge(files.value, maxUpload.value), ...wrong];
  });
  const asJson = useComputed(() => {
    if (files.value.size > 0 || form[0]?.path === "") return null;
    // Wrong values of fields have no input to write as JSON.
    return json.value ? true : problems.value.length > 0 ? null : false;
  });
  return {
    fields,
    values,
    files,
    problems,
    asJson,
    setValue: (path, value) => values.value = { ...values.peek(), [path]: value },
    setFile: (path, file) => files.value = new Map(files.peek()).set(path, file),
    switchMode() {
      const result = toInput(fields.peek(), null, values.peek());
      const next = json.peek() ? form : [jsonField()];
      batch(() => {
        values.value = firstValues(next, schema, "input" in result ? result.input : undefined);
        json.value = !json.peek();
      });
    },
    inputWith(uploads) {
      const result = toInput(fields.peek(), schema, { ...values.peek(), ...uploads });
      return "input" in result ? result.input : undefined;
    },
  };
}

function tooLarge(files: ReadonlyMap<string, File>, limit: number): Problem[] {
  return [...files].filter(([, { size }]) => size > limit).map(([path, { size }]) => ({
    path,
    problem: strings.form.tooLarge(bytes(size), bytes(limit)),
  }));
}

/** The problems to show at a field; with `null`, those that belong to none. */
export function problemsAt(
  fields: readonly Field[],
  field: Field | null,
  problems: readonly Problem[],
): string[] {
  return problems.filter(({ path }) => fieldAt(fields, path)?.path === field?.path)
    .map(({ path, problem }) => {
      const own = field?.path ?? "";
      if (path === own) return problem;
      return strings.form.at(own === "" ? path : path.slice(own.length + 1), problem);
    });
}
