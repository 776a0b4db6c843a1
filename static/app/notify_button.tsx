import type { JSX } from "preact";
import { blocked, canNotify, toggleWatch, watched } from "./notify.ts";
import { strings } from "../i18n/strings.ts";
import { BellIcon } from "../ui/icons.tsx";

/** Turns the notification of a task's end on or off. */
export function NotifyButton({ id }: { id: string }): JSX.Element | null {
  if (!canNotify()) return null;
  const on = watched.value.includes(id);
  return (
    <>
      <button
        type="button"
        class="button button-quiet notify"
        aria-pressed={on}
        onClick={() => void toggleWatch(id)}
      >
        <BellIcon on={on} />
        {on ? strings.notifying : strings.notify}
      </button>
      {blocked.value && <p class="problem" role="alert">{strings.notifyBlocked}</p>}
    </>
  );
}
