import type { JSX } from "preact";
import { json } from "../i18n/format.ts";
import { isFlat, isNested } from "./cell_text.ts";
import { LongText } from "./long_text.tsx";
import { asTable, isObject } from "./table.ts";
import { Cell, ValueTable } from "./value_table.tsx";

/** Characters of JSON shown at first. */
const MAX_JSON = 20_000;

export interface ValueProps {
  value: unknown;
  label: string;
  /** The base name for downloads of its tables; without one they cannot be downloaded. */
  file?: string | undefined;
}

/**
 * A value in readable form: an object as names and values, a list of objects as a table, a string as
 * text, and anything else as JSON.
 */
export function Value({ value, label, file }: ValueProps): JSX.Element {
  if (isObject(value)) {
    const entries = Object.entries(value);
    const plain = entries.filter(([, item]) => !isNested(item));
    const nested = entries.filter(([, item]) => isNested(item));
    // Readable parts are shown as such, even beside parts that are JSON.
    if (plain.length > 0 || nested.some(([, item]) => asTable(item) !== null || isFlat(item))) {
      return (
        <div class="value">
          {plain.length > 0 && <Names entries={plain} />}
          {nested.map(([name, item]) => (
            <div key={name}>
              <h3 class="text">{name}</h3>
              <Part value={item} label={name} file={file && `${file}-${fileName(name)}`} />
            </div>
          ))}
        </div>
      );
    }
  }
  const table = asTable(value);
  if (table !== null) return <ValueTable table={table} label={label} file={file} />;
  if (typeof value === "string") {
    return (
      <p class="text plain">
        <LongText text={value} limit={MAX_JSON} />
      </p>
    );
  }
  return <Json value={value} label={label} />;
}

function Part({ value, label, file }: ValueProps): JSX.Element {
  if (isFlat(value)) return <Names entries={Object.entries(value)} />;
  const table = asTable(value);
  if (table !== null) return <ValueTable table={table} label={label} file={file} />;
  return <Json value={value} label={label} />;
}

function Json({ value, label }: ValueProps): JSX.Element {
  return (
    <pre class="json text" tabIndex={0} role="region" aria-label={label}>
      <LongText text={json(value)} limit={MAX_JSON} />
    </pre>
  );
}

function fileName(text: string): string {
  return text.replace(/[^\w-]+/g, "-").slice(0, 40);
}

function Names({ entries }: { entries: [string, unknown][] }): JSX.Element {
  return (
    <dl class="names">
      {entries.map(([name, item]) => (
        <div key={name} class="name">
          <dt class="text">{name}</dt>
          <dd class="text">
            <Cell value={item} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
