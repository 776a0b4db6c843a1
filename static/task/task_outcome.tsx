import type { JSX } from "preact";
import { json } from "../i18n/format.ts";
import { may } from "../app/session.ts";
import { errorText, type WholeError } from "./error_text.ts";
import { details } from "./task_details.ts";
import { ErrorView } from "./task_error.tsx";
import { task } from "./task_store.ts";
import { strings } from "../i18n/strings.ts";
import { DownloadButton } from "../ui/download_button.tsx";
import { CopyButton } from "../ui/copy_button.tsx";
import { Value } from "../ui/value.tsx";

export function TaskOutcome(): JSX.Element | null {
  const { record, result } = task.value;
  if (record?.error) {
    const { status, task_id } = record;
    const known = details.value?.data;
    const error: WholeError = {
      ...record.error,
      stack: known?.task_id === task_id ? known.stack : null,
    };
    return (
      <section class="card outcome outcome-error">
        <div class="section-head">
          <h2>{status === "failed" ? strings.error : strings.lastError}</h2>
          <CopyButton id="copy-outcome" text={() => errorText(error, may("admin"))} />
        </div>
        <ErrorView error={error} />
      </section>
    );
  }
  if (record?.status !== "completed" || result === undefined || result === null) return null;
  const name = `${record.kind}-${record.task_id}`;
  return (
    <section class="card outcome">
      <div class="section-head">
        <h2>{strings.result}</h2>
        <CopyButton id="copy-outcome" text={() => json(result)} />
        <DownloadButton
          label={strings.downloadJson}
          text="JSON"
          name={`${name}.json`}
          file={() => new Blob([json(result)], { type: "application/json" })}
        />
      </div>
      <Value value={result} label={strings.result} file={name} />
    </section>
  );
}
