import type { JSX } from "preact";
import { type KindInfo, type PausedKind, resumeKind } from "./kinds_api.ts";
import { may } from "../app/session.ts";
import { loadKinds } from "../app/store.ts";
import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { useAction } from "../ui/use_action.ts";
import { PauseIcon } from "../ui/icons.tsx";
import { pausedKinds } from "./pauses.ts";
import { pauseText } from "./pause_text.ts";

/** The paused kinds, with the number of tasks that still run and a button to resume each. */
export function PausedKinds(): JSX.Element {
  return (
    <div class="paused-kinds">
      {pausedKinds.value.map((info) => <Paused key={info.kind} info={info} />)}
    </div>
  );
}

function Paused({ info: { kind, paused } }: { info: KindInfo & { paused: PausedKind } }) {
  const resume = useAction(async () => {
    await resumeKind(kind);
    await loadKinds();
  });
  const { running = 0 } = paused;
  return (
    <div class="notice paused-kind" role="status">
      <PauseIcon />
      <span class="text">
        {pauseText(kind, paused)}{" "}
        {running === 0 ? strings.pause.drained : strings.pause.running(number(running))}
        {resume.error && <span class="problem" role="alert">{resume.error.message}</span>}
      </span>
      {may("admin") && (
        <button type="button" class="button" disabled={resume.busy} onClick={resume.run}>
          {strings.pause.resume}
        </button>
      )}
    </div>
  );
}
