import type { JSX } from "preact";
import { json } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { details } from "./task_details.ts";
import { CopyButton } from "../ui/copy_button.tsx";
import { Value } from "../ui/value.tsx";

/** The input of the task, and its checkpoint. */
export function TaskData(): JSX.Element | null {
  if (details.value === null) return null;
  const { input, checkpoint } = details.value.data;
  return (
    <>
      <Data name={strings.input} value={input} />
      {checkpoint !== null && <Data name={strings.checkpoint} value={checkpoint} />}
    </>
  );
}

function Data({ name, value }: { name: string; value: unknown }): JSX.Element {
  const none = value === null || value === undefined || json(value) === "{}";
  return (
    <section class="card side-card">
      <div class="section-head">
        <h2>{name}</h2>
        {!none && <CopyButton text={() => json(value)} />}
      </div>
      {none
        ? <p class="faint">{strings.none}</p>
        : (
          <div class="side-value" tabIndex={0} role="group" aria-label={name}>
            <Value value={value} label={name} />
          </div>
        )}
    </section>
  );
}
