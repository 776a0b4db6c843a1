import { useSignal } from "@preact/signals";
import { Component, type JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { clockTime, number } from "../format.ts";
import type { LogChunk, LogRow } from "../log_rows.ts";
import { task } from "../store.ts";
import { strings } from "../strings.ts";
import { LongText } from "./long_text.tsx";

/** Characters of a row shown at first. */
const MAX_TEXT = 1000;

/** Pixels from the end that still count as the end. */
const END_PX = 24;

/** The live log: what the task logged and put out, and how its state changed. */
export function TaskLog(): JSX.Element {
  const { log, ended } = task.value;
  const following = useSignal(true);
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);

  function toEnd(): void {
    const element = scroller.current!;
    element.scrollTop = element.scrollHeight;
    lastTop.current = element.scrollTop;
  }

  useLayoutEffect(() => {
    if (following.peek()) toEnd();
  }, [log]);

  /** Who scrolls up wants to read; who comes back to the end wants to follow. */
  function scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = scroller.current!;
    if (scrollHeight - scrollTop - clientHeight < END_PX) following.value = true;
    else if (scrollTop < lastTop.current) following.value = false;
    lastTop.current = scrollTop;
  }

  return (
    <section class="card log-card">
      <div class="section-head">
        <h2>{strings.log}</h2>
        <button
          type="button"
          class="filter"
          aria-pressed={following.value}
          onClick={() => {
            following.value = !following.peek();
            if (following.peek()) toEnd();
          }}
        >
          {strings.follow}
        </button>
      </div>
      <div
        class="log"
        ref={scroller}
        role="log"
        aria-live="off"
        aria-label={strings.log}
        tabIndex={0}
        onScroll={scrolled}
      >
        {log.dropped > 0 && <p class="log-dropped">{strings.dropped(number(log.dropped))}</p>}
        {log.chunks.map((chunk) => <Chunk key={chunk.id} chunk={chunk} />)}
        {log.count === 0 && <p class="log-dropped">{ended ? strings.noLog : strings.emptyLog}</p>}
      </div>
    </section>
  );
}

interface ChunkProps {
  chunk: LogChunk;
}

/** Drawn anew only when it has grown; laid out only when it is in sight (see app.css). */
class Chunk extends Component<ChunkProps> {
  override shouldComponentUpdate({ chunk }: ChunkProps): boolean {
    return chunk !== this.props.chunk;
  }

  override render({ chunk }: ChunkProps): JSX.Element {
    return <div class="log-chunk">{chunk.rows.map((row) => <Row key={row.seq} row={row} />)}</div>;
  }
}

class Row extends Component<{ row: LogRow }> {
  override shouldComponentUpdate({ row }: { row: LogRow }): boolean {
    return row !== this.props.row;
  }

  override render({ row }: { row: LogRow }): JSX.Element {
    return (
      <div class={`log-row log-${row.type}${row.type === "log" ? ` level-${row.level}` : ""}`}>
        <time class="log-time" dateTime={row.time}>{clockTime(row.time)}</time>
        <span class="log-text text">
          <RowName row={row} />
          <RowText row={row} />
        </span>
      </div>
    );
  }
}

/** What the row is, where it is not the usual. */
function RowName({ row }: { row: LogRow }): JSX.Element | null {
  if (row.type === "output") return <span class="log-name">{strings.output}</span>;
  if (row.type === "state" || row.level === "info") return null;
  return <span class="log-name">{row.level}</span>;
}

function RowText({ row }: { row: LogRow }): JSX.Element {
  switch (row.type) {
    case "state":
      return <>{strings.changed(strings.status[row.status], row.attempt)}</>;
    case "output":
      return <LongText text={JSON.stringify(row.data) ?? ""} limit={MAX_TEXT} />;
    case "log":
      return (
        <>
          <LongText text={row.message} limit={MAX_TEXT} />{" "}
          {row.data !== null && (
            <span class="log-data">
              <LongText text={JSON.stringify(row.data)} limit={MAX_TEXT} />
            </span>
          )}
        </>
      );
  }
}
