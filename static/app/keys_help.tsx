import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { may } from "./session.ts";
import { StoreFacts } from "./lazy_views.ts";
import { strings } from "../i18n/strings.ts";
import { Dialog } from "../ui/dialog.tsx";
import { KeysIcon } from "../ui/icons.tsx";
import { usePageKeys } from "../ui/use_page_keys.ts";

export interface KeysHelpProps {
  /** A key, another that does the same (or an empty string), and what they do. */
  keys: readonly (readonly [key: string, other: string, does: string])[];
}

/** A button, and the key `?`, that open the list of keyboard shortcuts. */
export function KeysHelp({ keys }: KeysHelpProps): JSX.Element {
  const open = useSignal(false);
  usePageKeys({ "?": () => void (open.value = true) });
  return (
    <>
      <button
        type="button"
        class="button-quiet help-button"
        aria-label={strings.list.help}
        title={`${strings.list.help} (?)`}
        onClick={() => open.value = true}
      >
        <KeysIcon />
      </button>
      {open.value && <Help keys={keys} onclose={() => open.value = false} />}
    </>
  );
}

function Help({ keys, onclose }: KeysHelpProps & { onclose: () => void }): JSX.Element {
  return (
    <Dialog title={strings.list.help} class="help" onclose={onclose}>
      <dl class="help-keys">
        {keys.map(([key, other, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
              {other !== "" && <kbd>{other}</kbd>}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      {may("read") && <StoreFacts />}
    </Dialog>
  );
}
