import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { getDetails, type KindInfo } from "../app/api.ts";
import { takesFile } from "./kind_form.ts";
import { closeForm, type NewTask, newTask } from "./new_task.ts";
import { kinds } from "../app/store.ts";
import { strings } from "../i18n/strings.ts";
import { Dialog } from "../ui/dialog.tsx";
import { InputForm } from "./input_form.tsx";

/** The form for a new task, above everything else. */
export function NewTaskDialog(): JSX.Element | null {
  const wanted = newTask.value;
  if (wanted === null) return null;
  const title = wanted.again ? strings.form.runAgain(wanted.again.kind) : strings.newTask;
  return (
    <Dialog title={title} class="new-task" onclose={closeForm}>
      {kinds.value === null
        ? <p>{strings.loading}</p>
        : wanted.again
        ? <Again kinds={kinds.value} {...wanted.again} file={wanted.file} />
        : <Choice kinds={kinds.value} file={wanted.file} />}
    </Dialog>
  );
}

interface ChoiceProps {
  kinds: readonly KindInfo[];
  file: NewTask["file"];
}

/** Any kind; one that works on files, once there is one. */
function Choice({ kinds, file }: ChoiceProps): JSX.Element {
  const usable = kinds.filter(({ input }) => file === null || takesFile(input));
  const name = useSignal(file === null ? "demo" : fittingKind(file));
  useEffect(() => {
    if (file !== null && !usable.some(({ kind }) => kind === name.peek())) {
      name.value = fittingKind(file);
    }
  }, [file]);
  const chosen = usable.find(({ kind }) => kind === name.value) ?? usable[0];
  if (chosen === undefined) return <p>{strings.form.noKinds}</p>;
  return (
    <>
      <fieldset class="kinds">
        <legend>{strings.form.kind}</legend>
        <div class="kinds-list">
          {usable.map(({ kind, description }) => (
            <label key={kind} class="kind">
              <input
                type="radio"
                name="kind"
                value={kind}
                checked={chosen.kind === kind}
                autofocus={chosen.kind === kind}
                onChange={() => name.value = kind}
              />
              <span class="kind-name">{kind}</span>
              {description && <span class="kind-about text">{description}</span>}
            </label>
          ))}
        </div>
      </fieldset>
      <InputForm key={chosen.kind} info={chosen} file={file} />
    </>
  );
}

function fittingKind(file: File): string {
  return /\.(csv|tsv)$/i.test(file.name) || file.type === "text/csv" ? "csv-profile" : "checksum";
}

interface AgainProps extends ChoiceProps {
  kind: string;
  taskId: string;
}

/** A task's kind, with its input to be changed. */
function Again({ kinds, kind, taskId, file }: AgainProps): JSX.Element {
  const input = useSignal<{ value: unknown } | "missing" | null>(null);
  useEffect(() => {
    getDetails(taskId).then(
      ({ input: value }) => input.value = { value },
      () => input.value = "missing",
    );
  }, []);
  const info = kinds.find((info) => info.kind === kind);
  if (info === undefined) return <p>{strings.form.noKinds}</p>;
  if (input.value === null) return <p>{strings.loading}</p>;
  return input.value === "missing"
    ? <p class="problem" role="alert">{strings.form.missing}</p>
    : <InputForm info={info} file={file} input={input.value.value ?? undefined} />;
}
