import { useLayoutEffect, useRef } from "preact/hooks";

/** Handlers for the element in which the focus is kept. */
export interface KeptFocus {
  onFocusIn: () => void;
  onFocusOut: () => void;
}

/**
 * Keeps the focus in an element when a rendering removes what had it: the browser would move it to
 * the body, and the next Tab would start at the top of the page.
 *
 * @param onlost Moves the focus to what replaces the removed element.
 */
export function useKeptFocus(onlost: () => void): KeptFocus {
  const inside = useRef(false);
  // Read before the rendering removes anything.
  const had = inside.current;
  useLayoutEffect(() => {
    if (had && document.activeElement === document.body) onlost();
  });
  return {
    onFocusIn: () => void (inside.current = true),
    onFocusOut: () => void (inside.current = false),
  };
}
