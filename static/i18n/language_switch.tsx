import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { chooseLanguage, type Language, language, LANGUAGES } from "./strings.ts";

/** Whether the button was pressed: the page is redrawn, and the focus must return to it. */
let pressed = false;

/** Buttons for the other languages, each with its own name for itself. */
export function LanguageSwitch(): JSX.Element {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (pressed) button.current!.focus();
    pressed = false;
  }, []);
  const others = (Object.keys(LANGUAGES) as Language[]).filter((one) => one !== language.value);
  return (
    <>
      {others.map((other) => (
        <button
          key={other}
          ref={button}
          type="button"
          class="button-quiet language"
          lang={LANGUAGES[other].locale}
          onClick={() => {
            pressed = true;
            void chooseLanguage(other);
          }}
        >
          {LANGUAGES[other].name}
        </button>
      ))}
    </>
  );
}
