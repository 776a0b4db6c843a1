import type { ComponentChildren, JSX } from "preact";
import type { Status } from "../../lib/task/record.ts";

function Icon({ children, name }: { children: ComponentChildren; name: string }): JSX.Element {
  return (
    <svg
      class={`icon icon-${name}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

/** The product's logo: work in progress. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="logo-ground" />
      <rect x="7" y="9" width="18" height="4" rx="2" class="logo-track" />
      <rect x="7" y="9" width="18" height="4" rx="2" class="logo-fill" />
      <rect x="7" y="19" width="18" height="4" rx="2" class="logo-track" />
      <rect x="7" y="19" width="11" height="4" rx="2" class="logo-fill" />
    </svg>
  );
}

/** A shape for each state, so that states differ in more than color. */
export function StatusIcon({ status }: { status: Status }): JSX.Element {
  switch (status) {
    case "pending":
      return (
        <Icon name="pending">
          <circle cx="8" cy="8" r="6" />
          <path d="M8 5v3.2l2 1.3" />
        </Icon>
      );
    case "running":
      return (
        <Icon name="running">
          <circle cx="8" cy="8" r="6" class="icon-faint" />
          <path d="M8 2a6 6 0 0 1 6 6" />
        </Icon>
      );
    case "waiting":
      return (
        <Icon name="waiting">
          <circle cx="8" cy="8" r="6" />
          <path d="M6.4 6v4M9.6 6v4" />
        </Icon>
      );
    case "completed":
      return (
        <Icon name="completed">
          <circle cx="8" cy="8" r="6" />
          <path d="m5.4 8.2 1.8 1.8 3.4-3.8" />
        </Icon>
      );
    case "failed":
      return (
        <Icon name="failed">
          <circle cx="8" cy="8" r="6" />
          <path d="M8 4.9v3.6M8 11v.1" />
        </Icon>
      );
    case "canceled":
      return (
        <Icon name="canceled">
          <circle cx="8" cy="8" r="6" />
          <path d="M5.5 8h5" />
        </Icon>
      );
  }
}

export function BackIcon(): JSX.Element {
  return (
    <Icon name="back">
      <path d="M9.5 3.5 5 8l4.5 4.5" />
    </Icon>
  );
}

export function PlusIcon(): JSX.Element {
  return (
    <Icon name="plus">
      <path d="M8 3v10M3 8h10" />
    </Icon>
  );
}

export function SignOutIcon(): JSX.Element {
  return (
    <Icon name="sign-out">
      <path d="M6.5 3H3.5v10h3M7 8h6M10.5 5.5 13 8l-2.5 2.5" />
    </Icon>
  );
}

export function CloseIcon(): JSX.Element {
  return (
    <Icon name="close">
      <path d="m4 4 8 8M12 4l-8 8" />
    </Icon>
  );
}

export function CopyIcon(): JSX.Element {
  return (
    <Icon name="copy">
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 3.5a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1" />
    </Icon>
  );
}

export function UploadIcon(): JSX.Element {
  return (
    <Icon name="upload">
      <path d="M8 10.5v-7M5 6l3-3 3 3M2.5 10.5v2a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-2" />
    </Icon>
  );
}

export function SearchIcon(): JSX.Element {
  return (
    <Icon name="search">
      <circle cx="7" cy="7" r="4.25" />
      <path d="m10.2 10.2 3.3 3.3" />
    </Icon>
  );
}

/** Filled while notifications are on. */
export function BellIcon({ on }: { on: boolean }): JSX.Element {
  return (
    <Icon name="bell">
      <path
        d="M4 7a4 4 0 0 1 8 0c0 3 1.2 4 1.2 4H2.8S4 10 4 7Z"
        fill={on ? "currentColor" : "none"}
      />
      <path d="M6.8 13.6a1.4 1.4 0 0 0 2.4 0" />
    </Icon>
  );
}

export function KeepIcon({ on }: { on: boolean }): JSX.Element {
  return (
    <Icon name={on ? "keep-on" : "keep"}>
      <path d="M4.5 2.5h7v11L8 10.8l-3.5 2.7z" fill={on ? "currentColor" : "none"} />
    </Icon>
  );
}

export function UpIcon(): JSX.Element {
  return (
    <Icon name="up">
      <path d="M8 12.5v-9M4.5 7 8 3.5 11.5 7" />
    </Icon>
  );
}

export function KeysIcon(): JSX.Element {
  return (
    <Icon name="keys">
      <rect x="1.75" y="4" width="12.5" height="8.5" rx="1.75" />
      <path d="M4.5 7h.1M7.2 7h.1M9.9 7h.1M11.6 7h.1M5.5 9.8h5" />
    </Icon>
  );
}

export function DownloadIcon(): JSX.Element {
  return (
    <Icon name="download">
      <path d="M8 3.5v7M5 7.5l3 3 3-3M2.5 10.5v2a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-2" />
    </Icon>
  );
}

export function FollowIcon(): JSX.Element {
  return (
    <Icon name="follow">
      <path d="M8 2.5v8M4.5 7 8 10.5 11.5 7M3.5 13.5h9" />
    </Icon>
  );
}

export function PauseIcon(): JSX.Element {
  return (
    <Icon name="pause">
      <path d="M5.5 3.5v9M10.5 3.5v9" />
    </Icon>
  );
}

export function WarnIcon(): JSX.Element {
  return (
    <Icon name="warn">
      <path d="M8 2.2 14.2 13H1.8zM8 6.5v3M8 11.2v.1" />
    </Icon>
  );
}
