import { useEffect, useRef } from "preact/hooks";

/**
 * Handles keys wherever the focus is, except in fields and dialogs. If a handler returns `false`,
 * the key is left to the browser.
 */
export function usePageKeys(keys: Record<string, () => unknown>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    function onkeydown(event: KeyboardEvent): void {
      const { key, altKey, ctrlKey, metaKey } = event;
      const target = event.target as Element;
      if (altKey || ctrlKey || metaKey || event.defaultPrevented) return;
      if (target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
      if (!Object.hasOwn(latest.current, key)) return;
      if (latest.current[key]!() !== false) event.preventDefault();
    }
    addEventListener("keydown", onkeydown);
    return () => removeEventListener("keydown", onkeydown);
  }, []);
}
