import type { JSX } from "preact";
import type { ArtifactRecord } from "../../lib/task/record.ts";
import { at } from "../app/root.ts";
import { bytes, number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { DownloadIcon } from "../ui/icons.tsx";
import { task } from "./task_store.ts";

export function TaskArtifacts(): JSX.Element | null {
  const { record } = task.value;
  if (!record?.artifacts?.length) return null;
  const { task_id, artifacts } = record;
  return (
    <section class="card artifacts">
      <div class="section-head">
        <h2>{strings.files}</h2>
        <span class="log-count">{number(artifacts.length)}</span>
      </div>
      <ul>
        {artifacts.map((it) => <Artifact key={it.name} id={task_id} artifact={it} />)}
      </ul>
    </section>
  );
}

function Artifact(
  { id, artifact: { name, size, type } }: { id: string; artifact: ArtifactRecord },
): JSX.Element {
  return (
    <li title={type}>
      <bdi class="artifact-name">{name}</bdi>
      <span class="artifact-size">{bytes(size)}</span>
      <a
        class="button-quiet icon-button"
        href={at(`/tasks/${id}/artifacts/${encodeURIComponent(name)}`)}
        download={name}
        aria-label={strings.downloadFile(name)}
        title={strings.downloadFile(name)}
      >
        <DownloadIcon />
      </a>
    </li>
  );
}
