import { useComputed, useSignal } from "@preact/signals";
import type { JSX, TargetedEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { createTask, type KindInfo, uploadFile } from "../api.ts";
import {
  type Field,
  firstValues,
  formFields,
  takesFile,
  toInput,
  type Values,
} from "../kind_form.ts";
import { randomKey } from "../random_key.ts";
import { go, taskHref } from "../route.ts";
import { kinds, newTask } from "../store.ts";
import { strings } from "../strings.ts";
import { FormField } from "./form_field.tsx";
import { CloseIcon } from "./icons.tsx";
import { useAction } from "./use_action.ts";

/** The form for a new task, above everything else. */
export function NewTaskDialog(): JSX.Element | null {
  return newTask.value === null ? null : <Dialog file={newTask.value.file} />;
}

function Dialog({ file }: { file: File | null }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="new-task-title"
      onClose={() => newTask.value = null}
      onClick={(event) => {
        // The dialog itself is hit only beside its content.
        if (event.target === dialog.current) dialog.current!.close();
      }}
    >
      <div class="dialog-content">
        <div class="section-head">
          <h2 id="new-task-title">{strings.newTask}</h2>
          <button
            type="button"
            class="button-quiet"
            aria-label={strings.form.close}
            onClick={() => dialog.current!.close()}
          >
            <CloseIcon />
          </button>
        </div>
        {kinds.value === null ? <p>{strings.loading}</p> : <Form kinds={kinds.value} file={file} />}
      </div>
    </dialog>
  );
}

interface FormProps {
  kinds: readonly KindInfo[];
  file: File | null;
}

function Form({ kinds, file }: FormProps): JSX.Element {
  const usable = kinds.filter(({ input }) => file === null || takesFile(input));
  const chosen = useSignal(
    usable.find(({ kind }) => kind === (file === null ? "demo" : fittingKind(file))) ?? usable[0],
  );
  if (chosen.value === undefined) return <p>{strings.form.noKinds}</p>;
  return (
    <>
      <fieldset class="kinds">
        <legend>{strings.form.kind}</legend>
        {usable.map((info) => (
          <label key={info.kind} class="kind">
            <input
              type="radio"
              name="kind"
              value={info.kind}
              checked={chosen.value === info}
              onChange={() => chosen.value = info}
            />
            <span class="kind-name">{info.kind}</span>
            {info.description && <span class="kind-about text">{info.description}</span>}
          </label>
        ))}
      </fieldset>
      <KindForm key={chosen.value.kind} info={chosen.value} file={file} />
    </>
  );
}

function fittingKind(file: File): string {
  return /\.(csv|tsv)$/i.test(file.name) || file.type === "text/csv" ? "csv-profile" : "checksum";
}

function KindForm({ info, file: dropped }: { info: KindInfo; file: File | null }): JSX.Element {
  const fields = formFields(info.input);
  const values = useSignal<Values>(firstValues(fields, info.input));
  const file = useSignal(dropped);
  const sent = useSignal<number | null>(null);
  const problem = useSignal<{ field: string; problem: string } | null>(null);
  /** What was sent already: a second try neither uploads again nor makes a second task. */
  const uploaded = useRef<{ file: File; id: string } | null>(null);
  const attempted = useRef<{ json: string; key: string } | null>(null);
  const unmounted = useRef(new AbortController());
  useEffect(() => () => unmounted.current.abort(), []);

  const { run, busy, error } = useAction(async () => {
    problem.value = null;
    // With a stand-in for the upload: what else is wrong shows before anything is sent.
    const checked = toInput(fields, values.peek(), file.peek() && "");
    if ("problem" in checked) {
      problem.value = checked;
      return;
    }
    const made = toInput(fields, values.peek(), await upload());
    if ("problem" in made || unmounted.current.signal.aborted) return;
    const json = JSON.stringify(made.input);
    if (attempted.current?.json !== json) attempted.current = { json, key: randomKey() };
    const { task_id } = await createTask(info.kind, made.input, attempted.current.key);
    newTask.value = null;
    go(taskHref(task_id));
  });

  async function upload(): Promise<string | null> {
    const picked = file.peek();
    if (picked === null || !fields.some(({ type }) => type === "file")) return null;
    if (uploaded.current?.file !== picked) {
      sent.value = 0;
      try {
        const { signal } = unmounted.current;
        const { upload_id } = await uploadFile(picked, (bytes) => sent.value = bytes, signal);
        uploaded.current = { file: picked, id: upload_id };
      } finally {
        sent.value = null;
      }
    }
    return uploaded.current.id;
  }

  const fieldProblem = (field: Field) =>
    problem.value?.field === field.name
      ? problem.value.problem
      : error?.fields.get(["input", field.name].filter(Boolean).join(".")) ?? null;
  const elsewhere = useComputed(() => sent.value !== null);

  return (
    <form
      class="form"
      noValidate
      onSubmit={(event: TargetedEvent<HTMLFormElement>) => {
        event.preventDefault();
        run();
      }}
    >
      {fields.map((field) => (
        <FormField
          key={field.name}
          field={field}
          value={values.value[field.name]!}
          onvalue={(value) => values.value = { ...values.peek(), [field.name]: value }}
          file={file}
          sent={sent}
          problem={fieldProblem(field)}
        />
      ))}
      {error && <p class="problem text" role="alert">{error.message}</p>}
      <div class="form-foot">
        <button type="submit" class="button button-primary" disabled={busy || elsewhere.value}>
          {busy ? strings.form.starting : strings.form.start}
        </button>
      </div>
    </form>
  );
}
