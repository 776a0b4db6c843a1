import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { pauseKind } from "./kinds_api.ts";
import { loadKinds } from "../app/store.ts";
import { strings } from "../i18n/strings.ts";
import { Dialog } from "../ui/dialog.tsx";
import { useAction } from "../ui/use_action.ts";
import { pausing } from "./pauses.ts";

/** Asks for a reason and pauses a kind. */
export function PauseDialog({ kind }: { kind: string }): JSX.Element {
  const reason = useSignal("");
  const pause = useAction(async () => {
    await pauseKind(kind, reason.peek());
    await loadKinds();
    pausing.value = null;
  });
  const { title, about, why, whyHint, pause: send } = strings.pause;
  return (
    <Dialog title={title(kind)} class="pause-dialog" onclose={() => pausing.value = null}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          pause.run();
        }}
      >
        <p>{about}</p>
        <label class="field">
          {why}
          <input
            type="text"
            autoComplete="off"
            autofocus
            maxLength={500}
            placeholder={whyHint}
            value={reason.value}
            onInput={({ currentTarget }) => reason.value = currentTarget.value}
          />
        </label>
        {pause.error && <p class="problem" role="alert">{pause.error.message}</p>}
        <div class="form-foot">
          <button type="submit" class="button button-primary" disabled={pause.busy}>{send}</button>
        </div>
      </form>
    </Dialog>
  );
}
