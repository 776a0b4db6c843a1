import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { TaskRecord } from "../../lib/task/record.ts";
import { sendSignal } from "./task_api.ts";
import { may } from "../app/session.ts";
import { strings } from "../i18n/strings.ts";
import { InputForm } from "../new_task/input_form.tsx";
import { details } from "./task_details.ts";

/** A form for the signal that a task waits for; nothing if it waits for none. */
export function SignalForm({ record }: { record: TaskRecord }): JSX.Element | null {
  const { task_id, waiting_for, message } = record;
  const known = details.value?.data;
  if (waiting_for?.type !== "signal") return null;
  const { name } = waiting_for;
  if (!may("admin") && !may("submit")) return <p class="notice">{strings.signal.title(name)}</p>;
  // The schema of the signal is part of the details.
  if (known?.task_id !== task_id || known.status !== "waiting") return null;
  return (
    <Form
      key={name}
      id={task_id}
      name={name}
      message={message}
      schema={known.signal_schema}
    />
  );
}

interface FormProps {
  id: string;
  name: string;
  /** The task's message, which may be a question. */
  message: string | null;
  schema: unknown;
}

function Form({ id, name, message, schema }: FormProps): JSX.Element {
  const sent = useSignal(false);
  return (
    <section class="card signal-form">
      <div class="section-head">
        <h2>{strings.signal.title(name)}</h2>
      </div>
      {message !== null && <p class="text">{message}</p>}
      {sent.value ? <p role="status">{strings.signal.sent}</p> : (
        <InputForm
          schema={schema}
          root="signal"
          words={{ send: strings.signal.send, sending: strings.signal.sending }}
          onsend={async (value) => {
            await sendSignal(id, name, value);
            sent.value = true;
          }}
        />
      )}
    </section>
  );
}
