import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { AuditEntry } from "../../lib/kv/audit.ts";
import { getAudit } from "./kinds_api.ts";
import { whoIn } from "../app/who.ts";
import { fullTime } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { Dialog } from "../ui/dialog.tsx";
import { useAction } from "../ui/use_action.ts";
import { lookedInto } from "./pauses.ts";

/** Shows who paused or resumed a kind, or deleted tasks of it. */
export function KindHistory({ kind }: { kind: string }): JSX.Element {
  const entries = useSignal<readonly AuditEntry[] | null>(null);
  const load = useAction(async () => {
    entries.value = await getAudit(kind);
  });
  useEffect(load.run, [kind]);
  const { title, none } = strings.history;
  return (
    <Dialog title={title(kind)} class="history-dialog" onclose={() => lookedInto.value = null}>
      {load.error && <p class="problem" role="alert">{load.error.message}</p>}
      {entries.value?.length === 0 && <p class="muted">{none}</p>}
      <ol class="timeline">
        {entries.value?.map((entry, n) => <Entry key={n} entry={entry} />)}
      </ol>
    </Dialog>
  );
}

function Entry({ entry }: { entry: AuditEntry }): JSX.Element {
  const { action, at, reason } = entry;
  const of = entry.task_id ?? entry.schedule_id;
  const by = whoIn(entry);
  return (
    <li class="step">
      <span class="step-name">
        {strings.history.actions[action] ?? action}
        {by !== null && <span class="step-note text">{strings.by(by)}</span>}
      </span>{" "}
      <time class="step-at" dateTime={at}>{fullTime(at)}</time>
      {of !== undefined && <code class="step-of">{of}</code>}
      {reason !== undefined && <span class="step-reason text">{reason}</span>}
    </li>
  );
}
