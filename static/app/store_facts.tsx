import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { bytes, duration } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { getInfo, type Info } from "./info_api.ts";

/** The size of the store, and how long it keeps finished tasks. */
export function StoreFacts(): JSX.Element | null {
  const info = useSignal<Info | null>(null);
  useEffect(() => {
    // The server refuses this to whoever may not read all tasks: then nothing is shown.
    getInfo().then((known) => info.value = known, () => {});
  }, []);
  return info.value && (
    <>
      <h3 class="help-store">{strings.store.title}</h3>
      <dl class="help-keys">
        {factsOf(info.value).map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function factsOf({ store, retention_ms, ...info }: Info): [name: string, text: string][] {
  const { store: words } = strings;
  const sizes: [string, number | null | undefined][] = [
    [words.used, store?.used_bytes],
    [words.free, store?.free_bytes],
    [words.uploads, info.uploads_bytes],
    [words.artifacts, info.artifacts_bytes],
    [words.disk, store?.disk_free_bytes],
  ];
  const { completed, failed, canceled } = retention_ms;
  const kept: [string, number][] = completed === failed && failed === canceled
    ? [[words.kept, completed]]
    : [
      [words.keptOf(strings.status.completed), completed],
      [words.keptOf(strings.status.failed), failed],
      [words.keptOf(strings.status.canceled), canceled],
    ];
  return [
    ...sizes.flatMap(([name, size]): [string, string][] =>
      typeof size === "number" ? [[name, bytes(size)]] : []
    ),
    ...kept.map(([name, ms]): [string, string] => [name, duration(ms)]),
  ];
}
