import type { JSX } from "preact";
import { may } from "../app/session.ts";
import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { LongText } from "../ui/long_text.tsx";
import { framesOf, type WholeError } from "./error_text.ts";

/** Characters of a message shown at first. */
const MAX_MESSAGE = 1200;

/** Parts of an error shown at first. */
const FEW = 3;

/** An error with its causes and parts, and with its stack for those who may see the code. */
export function ErrorView({ error }: { error: WholeError }): JSX.Element {
  const { name, message, code, cause, errors } = error;
  const frames = may("admin") ? framesOf(error) : "";
  return (
    <div class="error">
      <p class="text">
        {name !== "Error" && (
          <>
            <strong class="error-name">{name}</strong>
            {" "}
          </>
        )}
        {code !== undefined && (
          <>
            <code class="error-code">{code}</code>
            {" "}
          </>
        )}
        <LongText text={message} limit={MAX_MESSAGE} />
      </p>
      {frames !== "" && <Frames frames={frames} />}
      {cause && (
        <div class="error-cause">
          <h3>{strings.causedBy}</h3>
          <ErrorView error={cause} />
        </div>
      )}
      {errors && errors.length > 0 && (
        <details class="error-parts" open={errors.length <= FEW}>
          <summary>{strings.errorParts(number(errors.length))}</summary>
          <ol>
            {errors.map((part, n) => (
              <li key={n}>
                <ErrorView error={part} />
              </li>
            ))}
          </ol>
        </details>
      )}
    </div>
  );
}

/** The frames of a stack, collapsed to the first. */
function Frames({ frames }: { frames: string }): JSX.Element {
  const [first] = frames.split("\n", 1);
  if (first === frames) return <pre class="error-stack text">{frames}</pre>;
  return (
    <details class="error-frames">
      <summary>
        <code class="text">{first}</code>
      </summary>
      <pre class="error-stack text" tabIndex={0}>{frames.slice(first!.length + 1)}</pre>
    </details>
  );
}
