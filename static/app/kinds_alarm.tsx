import type { JSX } from "preact";
import { strings } from "../i18n/strings.ts";
import { WarnIcon } from "../ui/icons.tsx";
import { modules } from "./store.ts";

/** Characters of a reason that are shown; the server's log has all of it. */
const MAX_REASON = 400;

export function KindsAlarm(): JSX.Element | null {
  const failed = modules.value.filter(({ state }) => state === "failed");
  if (failed.length === 0) return null;
  return (
    <div class="kinds-alarm" role="status">
      {failed.map(({ module, reason }) => (
        <p key={module} class="notice">
          <WarnIcon />
          <span class="text">
            {strings.moduleFailed(module)} {reason?.slice(0, MAX_REASON)}
          </span>
        </p>
      ))}
    </div>
  );
}
