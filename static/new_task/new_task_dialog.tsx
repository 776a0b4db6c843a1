import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { KindInfo } from "../kinds/kinds_api.ts";
import { createTask, getDetails } from "../task/task_api.ts";
import { go, taskHref } from "../app/route.ts";
import { firstKind, type KindGroups, kindGroups } from "./kind_choice.ts";
import { KindPicker } from "./kind_picker.tsx";
import { closeForm, type NewTask, newTask } from "./new_task.ts";
import { kinds } from "../app/store.ts";
import { strings } from "../i18n/strings.ts";
import { Dialog } from "../ui/dialog.tsx";
import { InputForm } from "./input_form.tsx";

export function NewTaskDialog(): JSX.Element | null {
  const wanted = newTask.value;
  if (wanted === null) return null;
  const title = wanted.again ? strings.form.runAgain(wanted.again.kind) : strings.newTask;
  return (
    <Dialog
      title={title}
      class={`new-task${wanted.again ? "" : " new-task-wide"}`}
      onclose={closeForm}
    >
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

/** The form for a kind of choice; with a file, only among kinds that take one. */
function Choice({ kinds, file }: ChoiceProps): JSX.Element {
  const text = useSignal("");
  const all = kindGroups(kinds, file, "");
  const groups = text.value === "" ? all : kindGroups(kinds, file, text.value);
  const picked = useSignal<string | null>(null);
  const among = (some: KindGroups) =>
    [...some.own, ...some.shipped].find(({ kind }) => kind === picked.value);
  // A picked kind that does not match the search is not the one to run.
  const name = among(groups)?.kind ??
    firstKind(groups.own.length + groups.shipped.length > 0 ? groups : all, file);
  const chosen = kinds.find(({ kind }) => kind === name);
  if (chosen === undefined) return <p>{strings.form.noKinds}</p>;
  return (
    <div class="choice">
      <KindPicker
        groups={groups}
        count={all.own.length + all.shipped.length}
        text={text}
        chosen={name}
        onchoose={(kind) => picked.value = kind}
      />
      <KindForm key={chosen.kind} info={chosen} file={file} />
    </div>
  );
}

interface AgainProps extends ChoiceProps {
  kind: string;
  taskId: string;
}

/** The form for a task's kind, filled with the task's input. */
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
    : <KindForm info={info} file={file} input={input.value.value ?? undefined} />;
}

interface KindFormProps {
  info: KindInfo;
  file: NewTask["file"];
  input?: unknown;
}

/** Submits a task, and shows it. */
function KindForm({ info: { kind, input: schema }, ...more }: KindFormProps): JSX.Element {
  return (
    <InputForm
      {...more}
      schema={schema}
      root="input"
      words={{ send: strings.form.start, sending: strings.form.starting }}
      onsend={async (input, key) => {
        const { task_id } = await createTask(kind, input, key);
        closeForm();
        go(taskHref(task_id));
      }}
    />
  );
}
