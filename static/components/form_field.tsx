import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { Field, Values } from "../kind_form.ts";
import { strings } from "../strings.ts";
import { FileField } from "./file_field.tsx";

/** What {@link FormField} takes. */
export interface FormFieldProps {
  /** Which. */
  field: Field;
  /** What it holds. */
  value: Values[string];
  /** Takes what it holds next. */
  onvalue: (value: Values[string]) => void;
  /** The file of the form. */
  file: Signal<File | null>;
  /** Bytes of it that are sent; `null` while it is not being uploaded. */
  sent: Signal<number | null>;
  /** What is wrong with it. */
  problem: string | null;
}

/** One field of a kind's form. */
export function FormField(props: FormFieldProps): JSX.Element {
  const { field, problem } = props;
  const id = `field-${field.name}`;
  const described = problem === null ? {} : {
    "aria-invalid": true as const,
    "aria-describedby": `${id}-problem`,
  };
  return (
    <div class={`field field-${field.type}`}>
      <Control {...props} id={id} described={described} />
      {problem !== null && <p class="problem text" role="alert" id={`${id}-problem`}>{problem}</p>}
    </div>
  );
}

interface ControlProps extends FormFieldProps {
  id: string;
  described: { "aria-invalid"?: true; "aria-describedby"?: string };
}

function Control(props: ControlProps): JSX.Element {
  const { field, value, onvalue, id, described } = props;
  switch (field.type) {
    case "file":
      return <FileField id={id} file={props.file} sent={props.sent} described={described} />;
    case "boolean":
      return (
        <label class="tick">
          <input
            id={id}
            type="checkbox"
            checked={value === true}
            onChange={({ currentTarget }) => onvalue(currentTarget.checked)}
          />
          <Name field={field} />
        </label>
      );
    case "choices": {
      const ticked = value as readonly string[];
      return (
        <fieldset {...described}>
          <legend>
            <Name field={field} />
          </legend>
          {field.options.map((option) => (
            <label key={option} class="tick">
              <input
                type="checkbox"
                checked={ticked.includes(option)}
                onChange={({ currentTarget: { checked } }) =>
                  // In the order of the options, however they were ticked.
                  onvalue(
                    field.options.filter((it) => it === option ? checked : ticked.includes(it)),
                  )}
              />
              {option}
            </label>
          ))}
        </fieldset>
      );
    }
    default:
      return (
        <>
          <label for={id}>
            <Name field={field} />
          </label>
          <Input field={field} id={id} value={String(value)} onvalue={onvalue} {...described} />
        </>
      );
  }
}

function Name({ field }: { field: Field }): JSX.Element {
  const { name, hint, optional } = field;
  return (
    <>
      <span class="field-name">{hint || name}</span>
      {name !== "" && hint !== "" && <code class="field-key">{name}</code>}
      {optional && <span class="field-optional">{strings.form.optional}</span>}
    </>
  );
}

interface InputProps {
  field: Field;
  id: string;
  value: string;
  onvalue: (value: string) => void;
}

function Input({ field, id, value, onvalue, ...described }: InputProps): JSX.Element {
  const common = {
    id,
    value,
    ...described,
    onInput: (event: Event) => onvalue((event.currentTarget as HTMLInputElement).value),
  };
  switch (field.type) {
    case "choice":
      return (
        <select {...common}>
          {!field.required && <option value=""></option>}
          {field.options.map((option) => <option key={option} value={option}>{option}</option>)}
        </select>
      );
    case "json":
      return <textarea {...common} rows={6} spellcheck={false} class="code" />;
    case "number":
      return (
        <input
          {...common}
          type="number"
          step={field.whole ? 1 : "any"}
          {...(field.min === undefined ? {} : { min: field.min })}
          {...(field.max === undefined ? {} : { max: field.max })}
        />
      );
    default:
      return <input {...common} type="text" spellcheck={false} autocomplete="off" />;
  }
}
