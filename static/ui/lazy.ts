import { signal } from "@preact/signals";
import { type FunctionComponent, h } from "preact";
import { connection } from "../app/connection.ts";

export interface Lazy<Props> extends FunctionComponent<Props> {
  /** Loads the code in advance. */
  prepare(): void;
}

/** A component whose code is loaded when it is first drawn. It is empty until then. */
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
      // A server that was updated meanwhile has this code under another name: reloads the page.
      if (view.peek() === null && connection.peek() === "live") location.reload();
    });
    return null;
  };
  return Object.assign(draw, { prepare });
}
