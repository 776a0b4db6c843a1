import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useCallback, useRef } from "preact/hooks";
import { clockTime, number } from "../i18n/format.ts";
import {
  countLevel,
  filterChunks,
  type Level,
  LEVELS,
  type LogFilter,
  logFilter,
  matches,
} from "./log_filter.ts";
import type { LogRow } from "./log_rows.ts";
import { rowLine, stateText } from "./log_text.ts";
import { strings } from "../i18n/strings.ts";
import type { TaskRecord } from "../../lib/task/record.ts";
import { isFinished } from "./task_state.ts";
import { task } from "./task_store.ts";
import { CopyButton } from "../ui/copy_button.tsx";
import { DownloadButton } from "../ui/download_button.tsx";
import { readRows } from "./log_download.ts";
import { CloseIcon, FollowIcon, SearchIcon } from "../ui/icons.tsx";
import { LogScroller } from "./log_scroller.tsx";
import { LongText } from "../ui/long_text.tsx";
import { usePageKeys } from "../ui/use_page_keys.ts";

/** Characters of a row shown at first. */
const MAX_TEXT = 1000;

/** Characters shown before the first match, if that is far into a row. */
const CONTEXT = 200;

/** The live log: log rows, outputs, and changes of the state. */
export function TaskLog(): JSX.Element {
  const { log, ended, record } = task.value;
  const filter = useSignal(logFilter());
  const follow = useSignal(true);
  const search = useRef<HTMLInputElement>(null);
  const { pattern } = filter.value;
  const draw = useCallback((row: LogRow) => <Row row={row} pattern={pattern} />, [pattern]);
  const chunks = filterChunks(log, filter.value);
  const found = chunks === log.chunks
    ? log.count
    : chunks.reduce((sum, { rows }) => sum + rows.length, 0);
  const id = record!.task_id;

  function setLevel(level: Level): void {
    filter.value = logFilter(level, filter.peek().text);
  }

  function setText(text: string): void {
    filter.value = logFilter(filter.peek().level, text);
  }

  usePageKeys({
    "/": () => search.current!.focus(),
    f: () => void (follow.value = !follow.peek()),
    l: () => setLevel(LEVELS[(LEVELS.indexOf(filter.peek().level) + 1) % LEVELS.length]!),
    Escape: () => setText(""),
  });

  return (
    <section class="card log-card">
      <div class="section-head">
        <h2>{strings.log}</h2>
        <span class="log-count" role="status">
          {found === log.count
            ? log.count > 0 && strings.logRows(number(log.count))
            : strings.logFound(number(found), number(log.count))}
        </span>
        <button
          type="button"
          class="button-quiet follow"
          aria-pressed={follow.value}
          onClick={() => follow.value = !follow.peek()}
        >
          <FollowIcon />
          {strings.follow}
        </button>
        <CopyButton
          id="log-copy"
          label={strings.copyLog}
          text={() => chunks.flatMap(({ rows }) => rows.map(rowLine)).join("\n")}
        />
        <DownloadButton
          id="log-download"
          label={strings.downloadLog}
          name={`${record!.kind}-${id}.log`}
          file={(onrows, signal) => readRows(id, rowLine, onrows, signal)}
        />
      </div>
      <div class="log-tools">
        <div class="search">
          <SearchIcon />
          <input
            ref={search}
            type="search"
            autoComplete="off"
            spellcheck={false}
            maxLength={200}
            aria-label={strings.searchLog}
            placeholder={strings.searchLog}
            value={filter.value.text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              event.preventDefault();
              event.stopPropagation();
              if (filter.peek().text === "") event.currentTarget.blur();
              else setText("");
            }}
          />
          {filter.value.text === "" ? <kbd aria-hidden="true">/</kbd> : (
            <button
              type="button"
              class="search-clear"
              aria-label={strings.clearSearch}
              onClick={() => {
                setText("");
                search.current!.focus();
              }}
            >
              <CloseIcon />
            </button>
          )}
        </div>
        <Levels filter={filter.value} onpick={setLevel} />
      </div>
      <LogScroller
        chunks={chunks}
        follow={follow}
        draw={draw}
        label={strings.log}
        class="log-rows"
      >
        {log.dropped > 0 && <p class="log-note">{strings.dropped(number(log.dropped))}</p>}
        {found === 0 && (
          <p class="log-note">
            {emptyText(log.count > 0, ended, record!)}
          </p>
        )}
      </LogScroller>
    </section>
  );
}

/** Why no row is shown: none passes the filter, there are none, or they have yet to arrive. */
function emptyText(some: boolean, ended: boolean, record: TaskRecord): string {
  if (some) return strings.noneFound;
  if (ended) return strings.noLog;
  return isFinished(record.status) ? strings.loading : strings.emptyLog;
}

interface LevelsProps {
  filter: LogFilter;
  onpick: (level: Level) => void;
}

function Levels({ filter, onpick }: LevelsProps): JSX.Element {
  const counts = useComputed(() => {
    const { log } = task.value;
    return { warn: countLevel(log, "warn"), error: countLevel(log, "error") };
  });
  return (
    <div class="levels" role="group" aria-label={strings.level} title={strings.levelsHint}>
      {LEVELS.map((level) => {
        const count = level === "warn" || level === "error" ? counts.value[level] : 0;
        return (
          <button
            key={level}
            type="button"
            class={`level-pick level-pick-${level}`}
            aria-pressed={filter.level === level}
            onClick={() => onpick(level)}
          >
            {strings.levels[level]} {count > 0 && <span class="level-count">{number(count)}</span>}
          </button>
        );
      })}
    </div>
  );
}

interface RowProps {
  row: LogRow;
  pattern: RegExp | null;
}

function Row({ row, pattern }: RowProps): JSX.Element {
  const name = rowName(row);
  const level = row.type === "log" ? ` level-${row.level}` : ` log-is-${stateClass(row)}`;
  return (
    <div class={`log-row log-${row.type}${level}`} data-seq={row.seq}>
      <time class="log-time" dateTime={row.time} title={row.time}>{clockTime(row.time)}</time>
      <span class="log-text text">
        {name && <span class="log-name">{name}</span>}
        {name && " "}
        <bdi>{shown(row.type === "log" ? row.message : rowText(row), pattern)}</bdi>
        {row.type === "log" && row.data !== null && (
          <>
            {" "}
            <bdi class="log-data">{shown(row.data, pattern)}</bdi>
          </>
        )}
      </span>
    </div>
  );
}

/** The name of an output, or of a level other than `info`. */
function rowName(row: LogRow): string | null {
  if (row.type === "output") return strings.output;
  return row.type !== "log" || row.level === "info" ? null : row.level;
}

function rowText(row: Exclude<LogRow, { type: "log" }>): string {
  if (row.type === "rewind") return strings.rewound;
  return row.type === "output" ? row.text : stateText(row);
}

function stateClass(row: Exclude<LogRow, { type: "log" }>): string {
  return row.type === "state" ? row.status : row.type;
}

/** Short texts, which are most of them, need no component that can expand. */
function shown(text: string, pattern: RegExp | null): ComponentChildren {
  const mark = (part: string) => marked(part, pattern);
  if (text.length <= MAX_TEXT) return mark(text);
  const at = pattern === null ? -1 : text.search(pattern);
  const from = at > MAX_TEXT - CONTEXT ? at - CONTEXT : 0;
  return <LongText text={text} from={from} limit={MAX_TEXT} mark={mark} />;
}

/** The text with its matches marked. */
function marked(text: string, pattern: RegExp | null): ComponentChildren {
  if (pattern === null) return text;
  return matches(text, pattern).map((part, n) => n % 2 === 0 ? part : <mark key={n}>{part}</mark>);
}
