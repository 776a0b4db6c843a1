import type { JSX } from "preact";
import { now } from "./clock.ts";
import { feed } from "../feed/live.ts";
import { clockTime } from "../i18n/format.ts";
import { openForm } from "../new_task/new_task.ts";
import { ROOT } from "./root.ts";
import { stayInPage } from "./route.ts";
import { brokenSince, connection } from "./connection.ts";
import { signOut } from "./session_api.ts";
import { may, signedIn, signedOut } from "./session.ts";
import { strings } from "../i18n/strings.ts";
import { Logo, PlusIcon, SignOutIcon } from "../ui/icons.tsx";
import { LanguageSwitch } from "../i18n/language_switch.tsx";

/** Milliseconds that a connection may be broken before the page says so. */
const ALARM_MS = 4000;

export function Header(): JSX.Element {
  return (
    <header class="header">
      <div class="header-inner">
        <a class="brand" href={ROOT} aria-label={strings.product} onClick={stayInPage}>
          <Logo />
          <span class="brand-name">{strings.product}</span>
        </a>
        <ConnectionBadge />
        <LanguageSwitch />
        {signedIn.value && (
          <button
            type="button"
            class="button-quiet sign-out"
            aria-label={strings.login.signOut}
            title={strings.login.signOut}
            onClick={() => void signOut().catch(() => {})}
          >
            <SignOutIcon />
          </button>
        )}
        {!signedOut.value && may("submit") && (
          <button
            type="button"
            class="button button-primary"
            onClick={openForm}
          >
            <PlusIcon />
            {strings.newTask}
          </button>
        )}
      </div>
      <ConnectionAlarm />
    </header>
  );
}

function ConnectionBadge(): JSX.Element {
  const state = connection.value;
  const since = staleSince();
  return (
    <span class={`connection connection-${state}`} role="status">
      <span class="connection-text">
        {since === null ? strings.connection[state] : strings.stale(clockTime(since))}
      </span>
    </span>
  );
}

function ConnectionAlarm(): JSX.Element | null {
  const since = staleSince();
  return since === null ? null : (
    <p class="alarm" role="alert">
      {strings.offline(clockTime(since))}{" "}
      <button type="button" class="link" onClick={() => feed.reopen()}>
        {strings.retryNow}
      </button>
    </p>
  );
}

/** When the connection broke; `null` until that is longer than {@link ALARM_MS} ago. */
function staleSince(): number | null {
  const since = brokenSince.value;
  return since === null || now.value - since < ALARM_MS ? null : since;
}
