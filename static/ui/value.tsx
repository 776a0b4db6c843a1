import type { JSX } from "preact";
import { json } from "../i18n/format.ts";
import { isFlat, isNested } from "./cell_text.ts";
import { LongText } from "./long_text.tsx";
import { asTable, isObject } from "./table.ts";
import { Cell, ValueTable } from "./value_table.tsx";

/** Characters of JSON shown at first. */
const MAX_JSON = 20_000;

/** What {@link Value} takes. */
export interface ValueProps {
  /** What is shown. */
  value: unknown;
  /** What it is. */
  label: string;
  /** Names the files of its tables; none where they are not to be taken away. */
  file?: string;
}

/**
 * A value as a person would like to read it: an object as names and values, a list of objects as
 * a table, and anything else as JSON.
 */
export function Value({ value, label, file }: ValueProps): JSX.Element {
  if (isObject(value)) {
    const entries = Object.entries(value);
    const plain = entries.filter(([, item]) => !isNested(item));
    const nested = entries.filter(([, item]) => isNested(item));
    if (nested.every(([, item]) => asTable(item) !== null || isFlat(item))) {
      return (
        <div class="value">
          {plain.length > 0 && <Names entries={plain} />}
          {nested.map(([name, item]) => (
            <div key={name}>
              <h3 class="text">{name}</h3>
              {isFlat(item) ? <Names entries={Object.entries(item)} /> : (
                <ValueTable
                  table={asTable(item)!}
                  label={name}
                  file={file && `${file}-${name.replace(/[^\w-]+/g, "-").slice(0, 40)}`}
                />
              )}
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
  return (
    <pre class="json text" tabIndex={0} role="region" aria-label={label}>
      <LongText text={json(value)} limit={MAX_JSON} />
    </pre>
  );
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
