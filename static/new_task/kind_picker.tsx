import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { KindInfo } from "../kinds/kinds_api.ts";
import type { KindGroups } from "./kind_choice.ts";
import { strings } from "../i18n/strings.ts";
import { SearchIcon } from "../ui/icons.tsx";

/** The number of kinds from which a search field is shown. */
const MANY = 7;

export interface KindPickerProps {
  /** The kinds that match the search text. */
  groups: KindGroups;
  count: number;
  text: Signal<string>;
  chosen: string | undefined;
  onchoose: (kind: string) => void;
}

export function KindPicker(props: KindPickerProps): JSX.Element {
  const { groups: { own, shipped }, count, text, chosen, onchoose } = props;
  const draw = (info: KindInfo) => (
    <KindOption key={info.kind} info={info} checked={info.kind === chosen} onchoose={onchoose} />
  );
  return (
    <fieldset class="kinds">
      <legend>{strings.form.kind}</legend>
      {count >= MANY && (
        <div class="search">
          <SearchIcon />
          <input
            type="search"
            autoComplete="off"
            spellcheck={false}
            aria-label={strings.form.searchKinds}
            placeholder={strings.form.searchKinds}
            value={text.value}
            onInput={({ currentTarget }) => text.value = currentTarget.value}
            onKeyDown={(event) => {
              // Enter in a field of the form would submit the task.
              if (event.key === "Enter") event.preventDefault();
              if (event.key !== "ArrowDown") return;
              event.preventDefault();
              document.querySelector<HTMLElement>(".kind input:checked")?.focus();
            }}
          />
        </div>
      )}
      <div class="kinds-list">
        {own.map(draw)}
        {own.length > 0 && shipped.length > 0 && (
          <p class="kinds-group">{strings.form.shippedKinds}</p>
        )}
        {shipped.map(draw)}
        {own.length + shipped.length === 0 && (
          <p class="kinds-none" role="status">{strings.form.noKindFound}</p>
        )}
      </div>
    </fieldset>
  );
}

interface KindOptionProps {
  info: KindInfo;
  checked: boolean;
  onchoose: (kind: string) => void;
}

function KindOption({ info, checked, onchoose }: KindOptionProps): JSX.Element {
  const { kind, description, unavailable } = info;
  const about = unavailable ? strings.form.unavailable(unavailable) : description;
  return (
    <label class={`kind${unavailable ? " kind-unavailable" : ""}`}>
      <input
        type="radio"
        name="kind"
        value={kind}
        checked={checked}
        disabled={Boolean(unavailable)}
        autofocus={checked}
        onChange={() => onchoose(kind)}
      />
      <span class="kind-name text">{kind}</span>
      {about && <span class="kind-about text">{about}</span>}
    </label>
  );
}
