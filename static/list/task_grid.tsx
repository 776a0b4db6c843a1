import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import {
  firstVisible,
  indexOf,
  isLeaving,
  marks,
  rows,
  setPointed,
  setView,
} from "./list_store.ts";
import { leaveMatching, matching } from "./matching.ts";
import { go, takeRestoredTop, taskHref } from "../app/route.ts";
import { may } from "../app/session.ts";
import { active, deselect, selectAll, selected, selectTo, toggle } from "./selection.ts";
import { strings } from "../i18n/strings.ts";
import { revealRow, useRowWindow } from "./row_window.ts";
import { TaskRow } from "./task_row.tsx";
import { useKeptFocus } from "../ui/use_kept_focus.ts";
import { usePageKeys } from "../ui/use_page_keys.ts";

/** The heights of a row in pixels, as in list.css. */
const ROW_HEIGHT = 64;
const NARROW_ROW_HEIGHT = 78;

/** Draws the rows on the screen, and the row that the keyboard is at. */
export function TaskGrid(): JSX.Element {
  const ids = rows.value;
  const grid = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  const { start, end } = useRowWindow(grid, ids, height, setView);
  const current = useComputed(() => active.value ?? rows.value[0] ?? null).value;
  const place = current === null ? -1 : indexOf(current);
  const picks = may("admin");
  void marks.value;

  // The focus stays on its row when that is redrawn, and at its index when the row is gone.
  const keptFocus = useKeptFocus(() => {
    if (ids[place] !== current) active.value = ids[Math.min(place, ids.length - 1)] ?? null;
    focusRow();
  });
  useEffect(() => {
    const top = takeRestoredTop();
    if (top > 0) scrollTo({ top, behavior: "instant" });
    return () => setPointed(false);
  }, []);
  usePageKeys({
    "/": () => document.getElementById("search")?.focus(),
    j: toCurrent,
    k: toCurrent,
    Escape: () => {
      if (selected.peek().size > 0) return deselect();
      return matching.peek() !== null && leaveMatching();
    },
  });

  function focusRow(): void {
    const row = document.getElementById(`row-${active.peek()}`);
    row?.focus({ preventScroll: true });
  }

  function toCurrent(): void {
    const at = active.peek();
    move(at === null ? firstVisible() : indexOf(at));
  }

  function move(to: number, extend = false): void {
    const all = rows.peek();
    const id = all[Math.max(0, Math.min(all.length - 1, to))];
    if (id === undefined) return;
    if (extend) {
      if (selected.peek().size === 0 && current !== null) selectTo(all, current);
      selectTo(all, id);
    }
    active.value = id;
    revealRow(grid.current!, all.indexOf(id), height);
    // The row may have to be drawn first.
    requestAnimationFrame(focusRow);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const { key, shiftKey, altKey, ctrlKey, metaKey } = event;
    const row = (event.target as Element).closest<HTMLElement>("[role=row]");
    if (row === null || altKey) return;
    const id = row.dataset.id!;
    const index = indexOf(id);
    if (ctrlKey || metaKey) {
      if (key !== "a" || !picks) return;
      selectAll(rows.peek());
    } else {
      const page = Math.max(1, Math.floor(innerHeight / height) - 3);
      const target: Record<string, number> = {
        ArrowDown: index + 1,
        j: index + 1,
        J: index + 1,
        ArrowUp: index - 1,
        k: index - 1,
        K: index - 1,
        PageDown: index + page,
        PageUp: index - page,
        Home: 0,
        End: rows.peek().length - 1,
      };
      if (key in target) move(target[key]!, shiftKey && picks);
      else if (key === "Enter") go(taskHref(id));
      else if (!picks) return;
      else if (key === "x" || key === " ") toggle(id);
      else if (key === "X") selectTo(rows.peek(), id);
      else return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  const drawn = ids.slice(start, end);
  const apart = place >= 0 && ids[place] === current && (place < start || place >= end);
  const withCurrent = !apart ? drawn : place < start ? [current!, ...drawn] : [...drawn, current!];
  const tabStop = ids[place] === current ? current : ids[0];
  return (
    <div
      ref={grid}
      class="rows card"
      role="grid"
      aria-label={strings.tasks}
      aria-rowcount={ids.length}
      aria-multiselectable={picks}
      style={{ height: `${ids.length * height}px`, "--row": `${height}px` }}
      onKeyDown={onKeyDown}
      onFocusIn={(event) => {
        keptFocus.onFocusIn();
        const row = (event.target as Element).closest<HTMLElement>("[role=row]");
        if (row) active.value = row.dataset.id!;
      }}
      onFocusOut={keptFocus.onFocusOut}
      onPointerEnter={() => setPointed(true)}
      onPointerLeave={() => setPointed(false)}
    >
      {withCurrent.map((id, n) => {
        const index = !apart
          ? start + n
          : id === current
          ? place
          : start + n - (place < start ? 1 : 0);
        return (
          <TaskRow
            key={id}
            id={id}
            index={index}
            tabStop={id === tabStop}
            selected={selected.value.has(id)}
            leaving={isLeaving(id)}
          />
        );
      })}
    </div>
  );
}

function useRowHeight(): number {
  const height = useSignal(ROW_HEIGHT);
  useLayoutEffect(() => {
    const narrow = matchMedia("(max-width: 680px)");
    const read = () => height.value = narrow.matches ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
    read();
    narrow.addEventListener("change", read);
    return () => narrow.removeEventListener("change", read);
  }, []);
  return height.value;
}
