import type { JSX, TargetedEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { hiddenChildren } from "./counts.ts";
import { hidesChildren, type Since } from "./filters.ts";
import { rows } from "./list_store.ts";
import { leaveMatching, matching } from "./matching.ts";
import { deselect } from "./selection.ts";
import { filterBy, route } from "../app/route.ts";
import { may } from "../app/session.ts";
import { kinds } from "../app/store.ts";
import { number } from "../i18n/format.ts";
import { lookedInto, pausing } from "../kinds/pauses.ts";
import { strings } from "../i18n/strings.ts";
import { CloseIcon, PauseIcon, SearchIcon } from "../ui/icons.tsx";
import { FilterChips } from "../ui/label_chips.tsx";

/** Milliseconds after the last letter until the search begins. */
const TYPED_MS = 250;

/** All filters of the list but the states. */
export function ListFilters(): JSX.Element {
  const { filters } = route.value;
  const names = [
    ...new Set([...(kinds.value ?? []).map(({ kind }) => kind), filters.kind].filter(Boolean)),
  ];
  return (
    <div class="list-filters" role="search">
      <SearchField />
      <select
        class="select"
        aria-label={strings.list.kind}
        value={filters.kind}
        onChange={(event) => filterBy({ ...filters, kind: event.currentTarget.value })}
      >
        <option value="">{strings.list.allKinds}</option>
        {names.map((kind) => <option key={kind} value={kind}>{kind}</option>)}
      </select>
      <select
        class="select"
        aria-label={strings.list.time}
        value={filters.since}
        onChange={(event) => {
          const since = event.currentTarget.value as Since;
          filterBy({ ...filters, since, from: "", to: "" });
        }}
      >
        {Object.entries(strings.list.times).map(([since, text]) => (
          <option key={since} value={since}>{text}</option>
        ))}
      </select>
      <PauseButton />
      <HistoryButton />
      {(filters.children || hidesChildren(filters)) && <ChildrenButton />}
      {filters.since === "custom" && (
        <div class="range">
          <TimeField end="from" />
          <TimeField end="to" />
        </div>
      )}
      <MatchingButton />
      <FilterChips />
    </div>
  );
}

/** Shows or hides children. If a state is picked, it has the number of those hidden. */
function ChildrenButton(): JSX.Element {
  const { filters } = route.value;
  const hidden = hiddenChildren.value;
  return (
    <button
      id="children-too"
      type="button"
      class="select toggle"
      aria-pressed={filters.children}
      title={strings.list.childrenHint}
      onClick={() => filterBy({ ...filters, children: !filters.children })}
    >
      {strings.list.children}
      {hidden !== null && (
        <span class="count-figure">{strings.list.count(number(hidden.count), hidden.more)}</span>
      )}
    </button>
  );
}

/** Pauses the kind whose tasks are shown. */
function PauseButton(): JSX.Element | null {
  const { filters: { kind } } = route.value;
  const info = kinds.value?.find((info) => info.kind === kind);
  if (info === undefined || info.paused || !may("admin")) return null;
  return (
    <button
      type="button"
      class="button pause-button"
      title={strings.pause.title(kind)}
      onClick={() => pausing.value = kind}
    >
      <PauseIcon />
      {strings.pause.pause}
    </button>
  );
}

/** Opens the history of the kind whose tasks are shown: who did what to it. */
function HistoryButton(): JSX.Element | null {
  const { filters: { kind } } = route.value;
  if (kind === "" || !may("read")) return null;
  return (
    <button
      type="button"
      class="button history-button"
      onClick={() => lookedInto.value = kind}
    >
      {strings.history.open}
    </button>
  );
}

/** Opens or closes the bar for all tasks that match. */
function MatchingButton(): JSX.Element | null {
  const { filters } = route.value;
  if (!may("admin") || rows.value.length === 0) return null;
  return (
    <button
      id="all-matching"
      type="button"
      class="select toggle"
      aria-pressed={matching.value !== null}
      onClick={() => {
        if (matching.peek() !== null) return leaveMatching();
        deselect();
        matching.value = filters;
      }}
    >
      {strings.list.allMatching}
    </button>
  );
}

function SearchField(): JSX.Element {
  const { text } = route.value.filters;
  const typed = useSignal(text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // The browser's back and forward, and "clear", change the text from outside.
  useEffect(() => void (typed.value = text), [text]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function search(next: string, wait: number): void {
    typed.value = next;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      filterBy({ ...route.peek().filters, text: next }, { typed: true });
    }, wait);
  }

  return (
    <div class="search">
      <SearchIcon />
      <input
        id="search"
        type="search"
        autoComplete="off"
        spellcheck={false}
        maxLength={200}
        aria-label={strings.list.search}
        placeholder={strings.list.searchHint}
        value={typed.value}
        onInput={(event: TargetedEvent<HTMLInputElement>) =>
          search(event.currentTarget.value, TYPED_MS)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          if (typed.peek() === "") event.currentTarget.blur();
          else search("", 0);
        }}
      />
      {typed.value === "" ? <kbd aria-hidden="true">/</kbd> : (
        <button
          type="button"
          class="search-clear"
          aria-label={strings.list.clearSearch}
          onClick={() => search("", 0)}
        >
          <CloseIcon />
        </button>
      )}
    </div>
  );
}

function TimeField({ end }: { end: "from" | "to" }): JSX.Element {
  const { filters } = route.value;
  return (
    <label class="range-end">
      {strings.list[end]}
      <input
        type="datetime-local"
        class="select"
        value={local(filters[end])}
        onChange={(event) => {
          const at = new Date(event.currentTarget.value);
          const time = Number.isNaN(at.getTime()) ? "" : at.toISOString();
          filterBy({ ...filters, [end]: time });
        }}
      />
    </label>
  );
}

/** A time as a `datetime-local` field has it: local, without a zone. */
function local(iso: string): string {
  if (iso === "") return "";
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
