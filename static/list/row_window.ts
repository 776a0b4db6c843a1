import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Rows drawn above and below the screen, for who scrolls fast. */
const MARGIN_ROWS = 12;

/** Rows by which the window moves: fewer renderings while one scrolls. */
const STEP_ROWS = 4;

/** Pixels covered at the top and at the bottom of the screen. */
export const COVERED_TOP = 64;
const COVERED_BOTTOM = 84;

/** Which rows are to be drawn: from `start`, before `end`. */
export interface RowWindow {
  start: number;
  end: number;
}

/** The rows to draw where those from `first`, before `last`, are on the screen. */
export function rowWindow(first: number, last: number, count: number): RowWindow {
  const start = Math.floor((first - MARGIN_ROWS) / STEP_ROWS) * STEP_ROWS;
  const end = Math.ceil((last + MARGIN_ROWS) / STEP_ROWS) * STEP_ROWS;
  return { start: Math.min(count, Math.max(0, start)), end: Math.max(0, Math.min(count, end)) };
}

/**
 * Follows the scrolling of the page over rows of one height. When rows come or go above the screen,
 * the ones that are seen stay where they are.
 *
 * @param onview Takes the rows on the screen, and whether the first is among them, whole.
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
    // The page may have gone on to a task in the same frame.
    if (list.current === null) return;
    const { ids: { length }, height } = latest.current;
    // Against the page, not the screen: what is pulled over the edge on a phone is no row.
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

/** By how many rows the first one on the screen that is still there has moved. */
function shiftOf(old: readonly string[], ids: readonly string[], first: number): number {
  for (let n = Math.max(0, first); n < old.length; n++) {
    const id = old[n]!;
    if (ids[n] === id) return 0;
    const index = indexIn(ids, id);
    if (index >= 0) return index - n;
  }
  return 0;
}

/** Where an id is among ids that fall; −1 when it is not. */
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

/** Scrolls no further than it takes to see a row whole, beside all that covers the page. */
export function revealRow(list: HTMLElement, index: number, height: number): void {
  const top = list.getBoundingClientRect().top + index * height;
  const header = document.querySelector(".header")?.getBoundingClientRect().bottom ?? COVERED_TOP;
  const bar = document.querySelector(".bulk")?.getBoundingClientRect().top ?? Infinity;
  const above = top - header - 8;
  const below = top + height - Math.min(innerHeight - COVERED_BOTTOM, bar - 8);
  if (above < 0) scrollBy({ top: above, behavior: "instant" });
  else if (below > 0) scrollBy({ top: below, behavior: "instant" });
}
