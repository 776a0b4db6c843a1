import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { strings } from "../i18n/strings.ts";
import { CloseIcon } from "./icons.tsx";

export interface DialogProps {
  title: string;
  class: string;
  onclose: () => void;
  children: ComponentChildren;
}

/** A modal dialog, closed by Escape, its button, or a click beside it. */
export function Dialog({ title, class: own, onclose, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const pressedBeside = useRef(false);
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${own}`}
      aria-labelledby="dialog-title"
      onClose={onclose}
      // The target is the dialog itself only beside its content. Selecting text that ends beside it
      // must not close it, so the press must have begun there, too.
      onPointerDown={({ target }) => pressedBeside.current = target === dialog.current}
      onClick={({ target }) => {
        if (target === dialog.current && pressedBeside.current) dialog.current!.close();
      }}
    >
      <div class="dialog-content">
        <div class="section-head dialog-head">
          <h2 id="dialog-title">{title}</h2>
          <button
            type="button"
            class="button-quiet"
            aria-label={strings.form.close}
            onClick={() => dialog.current!.close()}
          >
            <CloseIcon />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
