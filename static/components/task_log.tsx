import { useSignal } from "@preact/signals";
import { Component, type ComponentChildren, createRef, type JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { clockTime, number } from "../format.ts";
import type { LogChunk, LogRow } from "../log_rows.ts";
import { task } from "../task_store.ts";
import { strings } from "../strings.ts";
import { LongText } from "./long_text.tsx";

/** Characters of a row shown at first. */
const MAX_TEXT = 1000;

/** How far around what is in sight rows are drawn. */
const NEAR = "1200px 0px";

/** Pixels of a row that was not drawn yet, about. */
const ROW_PX = 26;

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
        {log.chunks.map((chunk, at) => (
          <Chunk key={chunk.id} chunk={chunk} newest={at >= log.chunks.length - 2} />
        ))}
        {log.count === 0 && <p class="log-dropped">{ended ? strings.noLog : strings.emptyLog}</p>}
      </div>
    </section>
  );
}

interface ChunkProps {
  chunk: LogChunk;
  /** It is at the end, where who follows looks. */
  newest: boolean;
}

/**
 * Some rows: drawn when they are near what is in sight, else an empty space of their height. A
 * long log is thousands of rows, and a screen holds twenty.
 */
class Chunk extends Component<ChunkProps, { near: boolean }> {
  override state = { near: this.props.newest };
  readonly #element = createRef<HTMLDivElement>();
  #observer: IntersectionObserver | undefined;
  #height: number | undefined;

  override componentDidMount(): void {
    const element = this.#element.current!;
    this.#observer = new IntersectionObserver((entries) => {
      const { isIntersecting: near, boundingClientRect } = entries.at(-1)!;
      if (near === this.state.near) return;
      if (!near) this.#height = boundingClientRect.height;
      this.setState({ near });
    }, { root: element.parentElement, rootMargin: NEAR });
    this.#observer.observe(element);
  }

  override componentWillUnmount(): void {
    this.#observer?.disconnect();
  }

  override shouldComponentUpdate({ chunk }: ChunkProps, { near }: { near: boolean }): boolean {
    return chunk !== this.props.chunk || near !== this.state.near;
  }

  override render({ chunk: { rows } }: ChunkProps, { near }: { near: boolean }): JSX.Element {
    return (
      <div
        ref={this.#element}
        class="log-chunk"
        style={{ height: near ? "" : `${this.#height ?? rows.length * ROW_PX}px` }}
      >
        {near && rows.map((row) => <Row key={row.seq} row={row} />)}
      </div>
    );
  }
}

class Row extends Component<{ row: LogRow }> {
  override shouldComponentUpdate({ row }: { row: LogRow }): boolean {
    return row !== this.props.row;
  }

  override render({ row }: { row: LogRow }): JSX.Element {
    const name = rowName(row);
    return (
      <div class={`log-row log-${row.type}${row.type === "log" ? ` level-${row.level}` : ""}`}>
        <time class="log-time" dateTime={row.time}>{clockTime(row.time)}</time>
        <span class="log-text text">
          {name && <span class="log-name">{name}</span>}
          {name && " "}
          {rowText(row)}
        </span>
      </div>
    );
  }
}

/** What the row is, where it is not the usual. */
function rowName(row: LogRow): string | null {
  if (row.type === "output") return strings.output;
  return row.type === "state" || row.level === "info" ? null : row.level;
}

function rowText(row: LogRow): ComponentChildren {
  switch (row.type) {
    case "state":
      // Of one that waits, the attempt told is the last one.
      return strings.changed(
        strings.status[row.status],
        row.status === "pending" ? 0 : row.attempt,
      );
    case "output":
      return bounded(JSON.stringify(row.data) ?? "");
    case "log":
      return row.data === null ? bounded(row.message) : [
        bounded(row.message),
        " ",
        <span key="data" class="log-data">{bounded(JSON.stringify(row.data))}</span>,
      ];
  }
}

/** Most texts are short, and need no component that could grow. */
function bounded(text: string): ComponentChildren {
  return text.length <= MAX_TEXT ? text : <LongText text={text} limit={MAX_TEXT} />;
}
