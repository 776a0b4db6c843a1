import { batch, type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { bytes } from "../i18n/format.ts";
import type { Problem } from "./json_schema.ts";
import { firstValues, holdsInput, toInput, type Values, withPending } from "./form_values.ts";
import { type Field, fieldAt, formFields, jsonField } from "./kind_form.ts";
import { maxUpload } from "../app/store.ts";
import { strings } from "../i18n/strings.ts";

/** What a form holds, and what is wrong with it. */
export interface FormState {
  readonly fields: ReadonlySignal<readonly Field[]>;
  readonly values: ReadonlySignal<Values>;
  /** The files that were picked, by path. */
  readonly files: ReadonlySignal<ReadonlyMap<string, File>>;
  /** All that is wrong. */
  readonly problems: ReadonlySignal<readonly Problem[]>;
  /** The input is written as JSON; `null` where there is no choice. */
  readonly asJson: ReadonlySignal<boolean | null>;
  readonly setValue: (path: string, value: Values[string]) => void;
  readonly setFile: (path: string, file: File) => void;
  /** Writes the input the other way: as JSON, or with fields. */
  readonly switchMode: () => void;
  /** The input, with the ids of the files that were sent. Only where nothing is wrong. */
  readonly inputWith: (uploads: Values) => unknown;
}

/** The form for an input of this schema, with this one in it. */
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
    // What is wrong cannot be carried over: not from the form, and from JSON at most in part.
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

/** What is told beside a field, or with `null` below them all. */
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
