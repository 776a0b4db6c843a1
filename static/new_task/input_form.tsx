import { useSignal } from "@preact/signals";
import type { JSX, TargetedEvent, TargetedKeyboardEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ApiError } from "../app/api.ts";
import type { Problem } from "./json_schema.ts";
import type { Values } from "./form_values.ts";
import { fieldAt, fileFields } from "./kind_form.ts";
import { randomKey } from "../ui/random_key.ts";
import { strings } from "../i18n/strings.ts";
import { FormField } from "./form_field.tsx";
import { useAction } from "../ui/use_action.ts";
import { problemsAt, useForm } from "./use_form.ts";
import { useUploads } from "./use_uploads.ts";

/** Selects the controls of fields with a problem. */
const WRONG = ".field-wrong :is(input, select, textarea)";

export interface InputFormProps {
  /** JSON Schema of the input; `null` for any value. */
  schema: unknown;
  /** The server's name for the whole input in the `field` of its errors. */
  root: string;
  file?: File | null;
  /** The initial input. @default {the schema's defaults} */
  input?: unknown;
  /** The text of the button, before and while the input is sent. */
  words: { send: string; sending: string };
  /** Sends the input. Sending it again with the same `key` has no further effect. */
  onsend: (input: unknown, key: string) => Promise<void>;
}

/** A form for a JSON Schema, with problems shown at each field, and with file uploads. */
export function InputForm(
  { schema, root, file = null, input, words, onsend }: InputFormProps,
): JSX.Element {
  const form = useForm(schema, input);
  const fields = form.fields.value;
  const touched = useSignal<ReadonlySet<string>>(new Set());
  /** How often the form was submitted with problems. */
  const refusals = useSignal(0);
  const { sending, send, cancel } = useUploads();
  const element = useRef<HTMLFormElement>(null);
  const sent = useRef<{ values: Values; json: string; key: string } | null>(null);

  useEffect(() => {
    const [target] = fileFields(form.fields.peek());
    if (file !== null && target) form.setFile(target.path, file);
  }, [file]);

  const { run, busy, error } = useAction(async () => {
    if (form.problems.peek().length > 0) return void refusals.value++;
    const uploads: Record<string, string> = {};
    for (const [path, picked] of form.files.peek()) {
      const id = await send(path, picked);
      if (id === null) return;
      uploads[path] = id;
    }
    const made = form.inputWith(uploads);
    const json = JSON.stringify(made) ?? "";
    // The same key for the same input: sending it again makes no second task.
    const key = sent.current?.json === json ? sent.current.key : randomKey();
    sent.current = { values: form.values.peek(), json, key };
    await onsend(made, key);
  });

  useEffect(() => {
    if (error !== null || refusals.value > 0) {
      const control = element.current!.querySelector<HTMLElement>(WRONG);
      control?.focus();
      // The whole field, with the problem below the control.
      control?.closest(".field")?.scrollIntoView({ block: "nearest" });
    }
  }, [error, refusals.value]);

  // The server's errors are about what was sent: any change of a value hides them.
  const refused = error !== null && sent.current?.values === form.values.value
    ? refusedFields(error, root)
    : [];
  const wrong = form.problems.value.filter(({ path }) =>
    refusals.value > 0 || touched.value.has(path)
  );
  const told = [...wrong, ...refused];
  const general = problemsAt(fields, null, told);
  if (error !== null && error.fields.size === 0) general.push(error.message);
  const asJson = form.asJson.value;
  const count = new Set(told.map(({ path }) => fieldAt(fields, path)?.path ?? "")).size;
  return (
    <form
      ref={element}
      class="form"
      noValidate
      onSubmit={(event: TargetedEvent<HTMLFormElement>) => {
        event.preventDefault();
        run();
      }}
      onKeyDown={(event: TargetedKeyboardEvent<HTMLFormElement>) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        run();
      }}
    >
      {schema === null && <p class="form-hint">{strings.form.noSchema}</p>}
      {fields.map((field) => (
        <FormField
          key={field.path}
          field={field}
          values={form.values.value}
          files={form.files.value}
          sending={sending.value}
          problemsOf={(field) => problemsAt(fields, field, told)}
          onvalue={form.setValue}
          onfile={form.setFile}
          oncancel={cancel}
          ontouch={(path) => touched.value = new Set(touched.peek()).add(path)}
        />
      ))}
      <div class="form-foot">
        {/* Beside the button that was pressed: wherever the form is scrolled to, it is in sight. */}
        <div class="form-problem" role="alert">
          {general.map((problem, n) => <p key={n} class="problem text">{problem}</p>)}
          {general.length === 0 && count > 0 && (refusals.value > 0 || refused.length > 0) && (
            <p class="problem">{strings.form.wrongFields(count)}</p>
          )}
        </div>
        {asJson !== null && (
          <button type="button" class="link" disabled={busy} onClick={form.switchMode}>
            {asJson ? strings.form.asForm : strings.form.asJson}
          </button>
        )}
        <button type="submit" class="button button-primary" disabled={busy}>
          {busy ? words.sending : words.send}
        </button>
      </div>
    </form>
  );
}

/** The server's errors, by the fields of the form. */
function refusedFields({ fields }: ApiError, root: string): Problem[] {
  return [...fields].map(([field, problem]) => {
    const [request, ...path] = field.split(".");
    return request === root ? { path: path.join("."), problem } : { path: "", problem };
  });
}
