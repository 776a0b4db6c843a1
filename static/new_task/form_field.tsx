import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { Values } from "./form_values.ts";
import type { Field } from "./kind_form.ts";
import { strings } from "../i18n/strings.ts";
import { type Described, FileField } from "./file_field.tsx";
import type { Sending } from "./use_uploads.ts";

export interface FormFieldProps {
  field: Field;
  values: Values;
  /** The picked files, by the path of their field. */
  files: ReadonlyMap<string, File>;
  sending: Sending | null;
  /** What is wrong with a field. */
  problemsOf: (field: Field) => readonly string[];
  onvalue: (path: string, value: Values[string]) => void;
  onfile: (path: string, file: File) => void;
  oncancel: () => void;
  ontouch: (path: string) => void;
}

export function FormField(props: FormFieldProps): JSX.Element {
  const { field, problemsOf, ontouch } = props;
  const { path, type } = field;
  const id = `field-${path}`;
  const problems = problemsOf(field);
  const wrong = problems.length > 0;
  return (
    <div
      class={`field field-${type}${wrong ? " field-wrong" : ""}`}
      onChange={(event) => {
        event.stopPropagation();
        ontouch(path);
      }}
    >
      {field.type === "group"
        ? (
          <fieldset class="group">
            <legend>
              <Name field={field} />
            </legend>
            {field.fields.map((inner) => <FormField key={inner.path} {...props} field={inner} />)}
          </fieldset>
        )
        : <Control {...props} id={id} described={describe(id, wrong)} />}
      {wrong && (
        <p class="problem text" id={`${id}-problem`}>
          {problems.map((problem, n) => <span key={n}>{problem}</span>)}
        </p>
      )}
    </div>
  );
}

function describe(id: string, wrong: boolean): Described {
  return wrong ? { "aria-invalid": true, "aria-describedby": `${id}-problem` } : {};
}

interface ControlProps extends FormFieldProps {
  id: string;
  described: Described;
}

function Control(props: ControlProps): JSX.Element {
  const { field, values, files, sending, onvalue, id, described } = props;
  const { path } = field;
  const value = values[path] ?? "";
  switch (field.type) {
    case "file":
      return (
        <>
          <span class="label" id={`${id}-label`}>
            <Name field={field} />
          </span>
          <FileField
            id={id}
            file={files.get(path) ?? null}
            before={String(value)}
            sending={sending?.path === path ? sending : null}
            locked={sending !== null}
            described={described}
            onfile={(file) => props.onfile(path, file)}
            oncancel={props.oncancel}
          />
        </>
      );
    case "boolean":
      return (
        <label class="tick">
          <input
            id={id}
            type="checkbox"
            checked={value === true}
            {...described}
            onInput={({ currentTarget }) => onvalue(path, currentTarget.checked)}
          />
          <Name field={field} />
        </label>
      );
    case "choices": {
      const ticked = Array.isArray(value) ? value as readonly string[] : [];
      return (
        <fieldset>
          <legend>
            <Name field={field} />
          </legend>
          <div class="ticks">
            {field.options.map(({ label }) => (
              <label key={label} class="tick">
                <input
                  type="checkbox"
                  checked={ticked.includes(label)}
                  {...described}
                  onInput={({ currentTarget: { checked } }) =>
                    onvalue(
                      path,
                      checked ? [...ticked, label] : ticked.filter((other) => other !== label),
                    )}
                />
                {label}
              </label>
            ))}
          </div>
        </fieldset>
      );
    }
    default:
      return (
        <>
          <label for={id}>
            <Name field={field} />
          </label>
          <Input
            field={field}
            id={id}
            value={String(value)}
            described={described}
            onvalue={(value) => onvalue(path, value)}
          />
        </>
      );
  }
}

function Name({ field }: { field: Field }): JSX.Element {
  const { name, hint, optional, type } = field;
  const note = [
    type === "lines" ? strings.form.oneALine : type === "any" ? strings.form.anyText : "",
    optional ? strings.form.optional : "",
  ]
    .filter(Boolean).join(" · ");
  return (
    <>
      <span class="field-name text">{hint || name}</span>
      {name !== "" && hint !== "" && <code class="field-key">{name}</code>}
      {note !== "" && <span class="field-note">{note}</span>}
    </>
  );
}

interface InputProps {
  field: Field;
  id: string;
  value: string;
  described: Described;
  onvalue: (value: string) => void;
}

function Input({ field, id, value, described, onvalue }: InputProps): JSX.Element {
  const long = useRef(value.includes("\n"));
  const common = {
    id,
    value,
    "aria-required": field.required,
    ...described,
    onInput: (event: Event) => onvalue((event.currentTarget as HTMLInputElement).value),
  };
  const line = { ...common, spellcheck: false, autocomplete: "off" } as const;
  switch (field.type) {
    case "choice":
      return (
        <select {...common} class="select">
          {(!field.required || value === "") && <option value=""></option>}
          {field.options.map(({ label }) => <option key={label} value={label}>{label}</option>)}
        </select>
      );
    case "json":
      return (
        <textarea
          {...common}
          rows={field.path === "" ? 8 : 3}
          spellcheck={false}
          class="code"
        />
      );
    case "lines":
      return <textarea {...common} rows={3} spellcheck={false} />;
    case "number":
      // Not `type="number"`, whose value is empty for text that is not a number.
      return <input {...line} type="text" inputMode={field.whole ? "numeric" : "decimal"} />;
    case "email":
      return <input {...line} type="email" />;
    case "url":
      return <input {...line} type="url" />;
    case "date":
      return <input {...line} type="date" />;
    default:
      // A single-line input would remove the line breaks of a text.
      return long.current
        ? <textarea {...common} rows={4} spellcheck={false} />
        : <input {...line} type="text" />;
  }
}
