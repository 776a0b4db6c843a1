import { useSignal } from "@preact/signals";
import type { JSX, TargetedEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { signIn } from "./session_api.ts";
import { elsewhere } from "./session.ts";
import { strings } from "../i18n/strings.ts";
import { useAction } from "../ui/use_action.ts";

/** Asks for a token, or says that users sign in to the surrounding program. */
export function LoginView(): JSX.Element {
  return elsewhere.value ? <SignInElsewhere /> : <TokenForm />;
}

function SignInElsewhere(): JSX.Element {
  return (
    <section class="card login">
      <h1>{strings.login.title}</h1>
      <p>{strings.login.elsewhere}</p>
    </section>
  );
}

function TokenForm(): JSX.Element {
  const token = useSignal("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current!.focus(), []);
  const { run, busy, error } = useAction(() => signIn(token.peek()));
  return (
    <form
      class="card login"
      onSubmit={(event: TargetedEvent<HTMLFormElement>) => {
        event.preventDefault();
        run();
      }}
    >
      <h1>{strings.login.title}</h1>
      <label for="login-token">{strings.login.token}</label>
      <input
        id="login-token"
        ref={field}
        type="password"
        autocomplete="current-password"
        required
        aria-describedby="login-hint"
        aria-invalid={error !== null}
        value={token.value}
        onInput={(event: TargetedEvent<HTMLInputElement>) =>
          token.value = event.currentTarget.value}
      />
      <p id="login-hint" class="login-hint">{strings.login.hint}</p>
      {error && <p class="problem text" role="alert">{error.message}</p>}
      <button type="submit" class="button button-primary" disabled={busy}>
        {strings.login.signIn}
      </button>
    </form>
  );
}
