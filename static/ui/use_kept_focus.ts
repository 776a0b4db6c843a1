import { useLayoutEffect, useRef } from "preact/hooks";

/** Handlers for the element in which the focus is kept. */
export interface KeptFocus {
  onFocusIn: () => void;
  onFocusOut: () => void;
}

/**
 * Keeps the keyboard in its place where what had the focus is gone with a rendering: a browser would
 * send it to the page's begin.
 *
 * @param onlost Gives the focus to what stands there now.
 */
export function useKeptFocus(onlost: () => void): KeptFocus {
  const inside = useRef(false);
  // Read before the rendering takes anything away.
  const had = inside.current;
  useLayoutEffect(() => {
    if (had && document.activeElement === document.body) onlost();
  });
  return {
    onFocusIn: () => void (inside.current = true),
    onFocusOut: () => void (inside.current = false),
  };
}
