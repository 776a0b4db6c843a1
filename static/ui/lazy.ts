import { signal } from "@preact/signals";
import { type FunctionComponent, h } from "preact";
import { connection } from "../app/connection.ts";

export interface Lazy<Props> extends FunctionComponent<Props> {
  /** Has its code loaded, which is used soon. */
  prepare(): void;
}

/** A view whose code is loaded when it is drawn first, or before; nothing until then. */
export function lazy<Props extends object>(
  load: () => Promise<FunctionComponent<Props>>,
): Lazy<Props> {
  const view = signal<FunctionComponent<Props> | null>(null);
  let loading: Promise<void> | undefined;
  const prepare = () =>
    loading ??= load().then(
      (loaded) => void (view.value = loaded),
      () => void (loading = undefined),
    );
  const draw = (props: Props) => {
    if (view.value !== null) return h(view.value, props);
    void prepare()?.then(() => {
      // The server may be of another version by now, whose code has other names.
      if (view.peek() === null && connection.peek() === "live") location.reload();
    });
    return null;
  };
  return Object.assign(draw, { prepare });
}
