import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { number } from "../i18n/format.ts";
import type { LogRow, OutputRow } from "./log_rows.ts";
import { strings } from "../i18n/strings.ts";
import { task } from "./task_store.ts";
import { CopyButton } from "../ui/copy_button.tsx";
import { DownloadButton } from "../ui/download_button.tsx";
import { readRows } from "./log_download.ts";
import { LogScroller } from "./log_scroller.tsx";
import { LongText } from "../ui/long_text.tsx";
import { cellText, isFlat } from "../ui/cell_text.ts";

/** Characters of an output shown at first. */
const MAX_OUTPUT = 2000;

/** Fields of an output that are shown by name. */
const MAX_FIELDS = 12;

export function TaskOutputs(): JSX.Element | null {
  const { outputs, record } = task.value;
  const follow = useSignal(true);
  if (outputs.count === 0) return null;
  const { kind, task_id } = record!;
  return (
    <section class="card outputs">
      <div class="section-head">
        <h2>{strings.outputs}</h2>
        <span class="log-count">{number(outputs.count + outputs.dropped)}</span>
        <CopyButton
          text={() => outputs.chunks.flatMap(({ rows }) => rows.map(({ text }) => text)).join("\n")}
        />
        <DownloadButton
          label={strings.downloadOutputs}
          name={`${kind}-${task_id}.jsonl`}
          file={(onrows, signal) => readRows(task_id, outputLine, onrows, signal)}
        />
      </div>
      <LogScroller
        chunks={outputs.chunks}
        follow={follow}
        draw={drawOutput}
        label={strings.outputs}
        class="output-rows"
      />
    </section>
  );
}

function outputLine(row: LogRow): string | null {
  return row.type === "output" ? row.text : null;
}

function drawOutput({ seq, time, data, text }: OutputRow): JSX.Element {
  const fields = isFlat(data) ? Object.entries(data) : [];
  return (
    <div class="output" data-seq={seq} title={time}>
      {fields.length > 0 && fields.length <= MAX_FIELDS
        ? fields.map(([name, value]) => (
          <span key={name} class="output-field">
            <bdi class="output-name">{name}</bdi>{" "}
            <bdi class="output-value">
              <LongText text={cellText(value)} limit={MAX_OUTPUT} />
            </bdi>
          </span>
        ))
        : (
          <bdi class="output-value">
            <LongText text={text} limit={MAX_OUTPUT} />
          </bdi>
        )}
    </div>
  );
}
