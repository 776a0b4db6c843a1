import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Rows drawn above and below the screen, for fast scrolling. */
const MARGIN_ROWS = 12;

/** Rows by which the window moves: larger steps mean fewer renderings while scrolling. */
const STEP_ROWS = 4;

/** Pixels of the screen that the header and the bar at the bottom cover. */
export const COVERED_TOP = 64;
const COVERED_BOTTOM = 84;

/** The rows to draw: from `start`, without `end`. */
export interface RowWindow {
  start: number;
  end: number;
}

/** The rows to draw when those from `first`, without `last`, are on the screen. */
export function rowWindow(first: number, last: number, count: number): RowWindow {
  const start = Math.floor((first - MARGIN_ROWS) / STEP_ROWS) * STEP_ROWS;
  const end = Math.ceil((last + MARGIN_ROWS) / STEP_ROWS) * STEP_ROWS;
  return { start: Math.min(count, Math.max(0, start)), end: Math.max(0, Math.min(count, end)) };
}

/**
 * Follows the scrolling of the page over rows of equal height. When rows are added or removed above
 * the screen, the ones on the screen stay in place.
 *
 * @param onview Takes the rows on the screen, and whether at least half of the first is visible.
 */
export function useRowWindow(
  list: RefObject<HTMLElement | null>,
  ids: readonly string[],
  height: number,
  onview: (first: number, end: number, top: boolean) => void,
): RowWindow {
  const shown = useSignal<RowWindow>({ start: 0, end: Math.min(ids.length, 2 * MARGIN_ROWS) });
  const before = useRef({ ids, height });
  const latest = useRef({ ids, height });
  latest.current = { ids, height };

  function measure(): void {
    // The list may have been replaced by a task in the same frame.
    if (list.current === null) return;
    const { ids: { length }, height } = latest.current;
    // Clamped to the rows: on a phone the page can be pulled beyond its edge.
    const top = COVERED_TOP - list.current.getBoundingClientRect().top;
    const first = Math.min(length, Math.max(0, Math.floor(top / height)));
    const end = Math.min(
      length,
      Math.max(0, Math.ceil((top - COVERED_TOP + innerHeight) / height)),
    );
    const next = rowWindow(first, end, length);
    const { start, end: last } = shown.peek();
    if (next.start !== start || next.end !== last) shown.value = next;
    onview(first, end, top <= height / 2);
  }

  useLayoutEffect(() => {
    const { ids: old, height: oldHeight } = before.current;
    before.current = { ids, height };
    if (old !== ids && old.length > 0 && height === oldHeight) {
      const top = COVERED_TOP - list.current!.getBoundingClientRect().top;
      const first = Math.floor(top / height);
      if (top > height / 2) {
        const shift = shiftOf(old, ids, Math.min(first, old.length - 1));
        if (shift !== 0) scrollBy({ top: shift * height, behavior: "instant" });
      }
    }
    measure();
  }, [ids, height]);

  useEffect(() => {
    let frame = 0;
    const onscroll = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        measure();
      });
    };
    addEventListener("scroll", onscroll, { passive: true });
    addEventListener("resize", onscroll);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", onscroll);
      removeEventListener("resize", onscroll);
    };
  }, []);

  const { start, end } = shown.value;
  return { start: Math.min(start, ids.length), end: Math.min(end, ids.length) };
}

/** By how many rows the first row at or after `first` that still exists has moved. */
function shiftOf(old: readonly string[], ids: readonly string[], first: number): number {
  for (let n = Math.max(0, first); n < old.length; n++) {
    const id = old[n]!;
    if (ids[n] === id) return 0;
    const index = indexIn(ids, id);
    if (index >= 0) return index - n;
  }
  return 0;
}

/** The index of `id` in ids of descending order; −1 if it is not there. */
function indexIn(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (ids[middle] === id) return middle;
    if (ids[middle]! > id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Scrolls just far enough to show the whole row, clear of the bars that cover the page. */
export function revealRow(list: HTMLElement, index: number, height: number): void {
  const top = list.getBoundingClientRect().top + index * height;
  const header = document.querySelector(".header")?.getBoundingClientRect().bottom ?? COVERED_TOP;
  const bar = document.querySelector(".bulk")?.getBoundingClientRect().top ?? Infinity;
  const above = top - header - 8;
  const below = top + height - Math.min(innerHeight - COVERED_BOTTOM, bar - 8);
  if (above < 0) scrollBy({ top: above, behavior: "instant" });
  else if (below > 0) scrollBy({ top: below, behavior: "instant" });
}
