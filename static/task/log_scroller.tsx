import { type Signal, useSignal } from "@preact/signals";
import { Component, type ComponentChildren, type JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { LogChunk, LogRow } from "./log_rows.ts";
import { logWindow } from "./log_window.ts";

/** Pixels above and below the visible part in which rows are drawn, too. */
const NEAR_PX = 900;

/** Pixels scrolled until the rows to draw are computed again. */
const STEP_PX = 300;

/** Estimated height in pixels of a row that was not drawn yet. */
const ROW_PX = 26;

/** Pixels from the end that still count as the end. */
const END_PX = 24;

export interface LogScrollerProps<Row extends LogRow> {
  /** Oldest first. */
  chunks: readonly LogChunk<Row>[];
  /** Whether the log stays scrolled to its end. */
  follow: Signal<boolean>;
  /** Draws a row. Another function redraws all rows. */
  draw: (row: Row) => JSX.Element;
  label: string;
  class: string;
  children?: ComponentChildren;
}

/**
 * Draws the visible part of a log with rows of any height. Unless it follows the end, the first
 * visible row stays in place, whatever rows are added, removed or higher than estimated.
 */
export function LogScroller<Row extends LogRow>(props: LogScrollerProps<Row>): JSX.Element {
  const { chunks, follow, draw, label, children } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const heights = useRef(new WeakMap<LogChunk<Row>, number>());
  /** The row at the upper edge, and how many pixels of it are above that edge. */
  const anchor = useRef<{ seq: number; offset: number } | null>(null);
  const lastTop = useRef(0);
  const before = useRef(chunks);
  const view = useSignal({ top: 0, height: 800 });

  const sizes = chunks.map((chunk) => heights.current.get(chunk) ?? chunk.rows.length * ROW_PX);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const { height } = view.value;
  const top = follow.value
    ? total - height
    : before.current === chunks
    ? view.value.top
    : placeOf(chunks, sizes, anchor.current) ?? view.value.top;
  before.current = chunks;
  const shown = logWindow(sizes, top - NEAR_PX, top + height + NEAR_PX);
  const drawn = chunks.slice(shown.start, shown.end);

  // After every rendering: rows may be higher than estimated.
  useLayoutEffect(() => {
    const element = scroller.current!;
    for (const [n, { offsetHeight }] of chunkElements(element).entries()) {
      heights.current.set(drawn[n]!, offsetHeight);
    }
    if (follow.peek()) element.scrollTop = element.scrollHeight;
    else restore(element, anchor.current);
    lastTop.current = element.scrollTop;
    look();
  });

  function look(): void {
    const { scrollTop, clientHeight } = scroller.current!;
    const { top, height } = view.peek();
    if (Math.abs(scrollTop - top) >= STEP_PX || height !== clientHeight) {
      view.value = { top: scrollTop, height: clientHeight };
    }
  }

  /** Scrolling up stops following the end; scrolling down to the end starts it. */
  function onScroll(): void {
    const element = scroller.current!;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const atEnd = scrollHeight - scrollTop - clientHeight < END_PX;
    if (!atEnd && scrollTop < lastTop.current) follow.value = false;
    // A search may shorten the log so that it is at its end without any scrolling.
    if (atEnd && scrollTop > lastTop.current) follow.value = true;
    lastTop.current = scrollTop;
    anchor.current = anchorOf(element);
    look();
  }

  return (
    <div
      ref={scroller}
      class={`log ${props.class}`}
      role="log"
      aria-live="off"
      aria-label={label}
      tabIndex={0}
      onScroll={onScroll}
      onWheel={({ deltaY }) => {
        // Before the scroll event: rows that arrive in between would scroll to the end again.
        const { scrollTop, scrollHeight, clientHeight } = scroller.current!;
        if (deltaY < 0 && scrollTop > 0 && scrollHeight > clientHeight) {
          anchor.current = anchorOf(scroller.current!);
          follow.value = false;
        }
      }}
    >
      {children}
      <div style={{ height: `${shown.before}px` }} />
      {drawn.map((chunk) => (
        <Chunk
          key={chunk.id}
          chunk={chunk as LogChunk}
          draw={draw as (row: LogRow) => JSX.Element}
        />
      ))}
      <div style={{ height: `${shown.after}px` }} />
    </div>
  );
}

function chunkElements(scroller: HTMLElement): NodeListOf<HTMLElement> {
  return scroller.querySelectorAll(".log-chunk");
}

/** The first visible row, and how many pixels of it are above the upper edge. */
function anchorOf(scroller: HTMLElement): { seq: number; offset: number } | null {
  const edge = scroller.getBoundingClientRect().top;
  for (const chunk of chunkElements(scroller)) {
    if (chunk.getBoundingClientRect().bottom <= edge) continue;
    for (const row of chunk.children) {
      const { top, bottom } = row.getBoundingClientRect();
      if (bottom > edge) {
        return { seq: Number((row as HTMLElement).dataset.seq), offset: edge - top };
      }
    }
  }
  return null;
}

/** Scrolls a row back to where it was; if it is gone, the one after it. */
function restore(scroller: HTMLElement, anchor: { seq: number; offset: number } | null): void {
  if (anchor === null) return;
  for (const row of scroller.querySelectorAll<HTMLElement>("[data-seq]")) {
    if (Number(row.dataset.seq) < anchor.seq) continue;
    const edge = scroller.getBoundingClientRect().top;
    const moved = row.getBoundingClientRect().top - (edge - anchor.offset);
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
    return;
  }
}

/** Estimated pixels from the top of the log to the anchor's row; `null` without an anchor. */
function placeOf(
  chunks: readonly LogChunk[],
  sizes: readonly number[],
  anchor: { seq: number } | null,
): number | null {
  if (anchor === null) return null;
  let top = 0;
  for (const [n, { rows }] of chunks.entries()) {
    const at = rows.findIndex(({ seq }) => seq >= anchor.seq);
    if (at >= 0) return top + sizes[n]! * (at / rows.length);
    top += sizes[n]!;
  }
  return top;
}

interface ChunkProps {
  chunk: LogChunk;
  draw: (row: LogRow) => JSX.Element;
}

/** Redrawn only when its rows, or how to draw them, have changed. */
class Chunk extends Component<ChunkProps> {
  override shouldComponentUpdate({ chunk, draw }: ChunkProps): boolean {
    return chunk !== this.props.chunk || draw !== this.props.draw;
  }

  override render({ chunk: { rows }, draw }: ChunkProps): JSX.Element {
    return (
      <div class="log-chunk">
        {rows.map((row) => <Row key={row.seq} row={row} draw={draw} />)}
      </div>
    );
  }
}

class Row extends Component<{ row: LogRow; draw: (row: LogRow) => JSX.Element }> {
  override shouldComponentUpdate({ row, draw }: Row["props"]): boolean {
    return row !== this.props.row || draw !== this.props.draw;
  }

  override render({ row, draw }: Row["props"]): JSX.Element {
    return draw(row);
  }
}
