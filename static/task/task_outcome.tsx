import type { JSX } from "preact";
import { json } from "../i18n/format.ts";
import { task } from "./task_store.ts";
import { strings } from "../i18n/strings.ts";
import { CopyButton } from "../ui/copy_button.tsx";
import { LongText } from "../ui/long_text.tsx";
import { Value } from "../ui/value.tsx";

/** Characters of an error's message shown at first. */
const MAX_ERROR = 1200;

/** What came of a task: its result, or its error. */
export function TaskOutcome(): JSX.Element | null {
  const { record, result } = task.value;
  if (record?.error) {
    const { name, message } = record.error;
    return (
      <section class="card outcome outcome-error">
        <div class="section-head">
          <h2>{record.status === "failed" ? strings.error : strings.lastError}</h2>
          <CopyButton id="copy-outcome" text={() => `${name}: ${message}`} />
        </div>
        <p class="text">
          <strong class="error-name">{name}</strong> <LongText text={message} limit={MAX_ERROR} />
        </p>
      </section>
    );
  }
  if (record?.status !== "completed" || result === undefined || result === null) return null;
  return (
    <section class="card outcome">
      <div class="section-head">
        <h2>{strings.result}</h2>
        <CopyButton id="copy-outcome" text={() => json(result)} />
      </div>
      <Value value={result} />
    </section>
  );
}
