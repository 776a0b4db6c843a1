import type { JSX } from "preact";
import { filterBy, listHref, route, stayInPage } from "../app/route.ts";
import { strings } from "../i18n/strings.ts";
import { type Filters, NO_FILTERS } from "../list/filters.ts";
import { CloseIcon } from "./icons.tsx";

/** Tags shown in a row of the list at most. */
const FEW = 2;

interface LabelChipsProps {
  owner?: string | undefined;
  tags?: readonly string[] | undefined;
  /** Whether it is in a row of the list: with few tags, and links that add to the present filters. */
  inRow?: boolean;
}

/** A task's owner and tags, each a link to the tasks that have it. */
export function LabelChips({ owner, tags = [], inRow }: LabelChipsProps): JSX.Element | null {
  if (owner === undefined && tags.length === 0) return null;
  const from = inRow ? route.value.filters : NO_FILTERS;
  const shown = inRow ? tags.slice(0, FEW) : tags;
  const more = tags.length - shown.length;
  return (
    <span class="chips">
      {owner !== undefined && (
        <Chip
          text={owner}
          title={strings.labels.byOwner(owner)}
          to={{ ...from, owner }}
          inRow={inRow}
          isOwner
        />
      )}
      {shown.map((tag) => (
        <Chip
          key={tag}
          text={tag}
          title={strings.labels.byTag(tag)}
          to={{ ...from, tags: [...new Set([...from.tags, tag])] }}
          inRow={inRow}
        />
      ))}
      {more > 0 && <span class="chips-more" title={tags.slice(FEW).join(", ")}>+{more}</span>}
    </span>
  );
}

interface ChipProps {
  text: string;
  title: string;
  /** The filters of the list that it links to. */
  to: Filters;
  inRow?: boolean | undefined;
  isOwner?: boolean;
}

function Chip({ text, title, to, inRow, isOwner }: ChipProps): JSX.Element {
  return (
    <a
      class={`chip${isOwner ? " chip-owner" : ""}`}
      href={listHref(to)}
      title={title}
      aria-label={title}
      // In the list the Tab key stops at rows only.
      tabIndex={inRow ? -1 : 0}
      onClick={stayInPage}
    >
      <bdi>{text}</bdi>
    </a>
  );
}

/** The owner, tags and parent that the list is filtered by. A click removes one. */
export function FilterChips(): JSX.Element | null {
  const { filters } = route.value;
  const { owner, tags, parent } = filters;
  if (owner === "" && tags.length === 0 && parent === "") return null;
  const without = (text: string, name: string, rest: Filters, isOwner = false) => (
    <button
      key={name}
      type="button"
      class={`chip chip-on${isOwner ? " chip-owner" : ""}`}
      aria-label={strings.labels.remove(name)}
      title={strings.labels.remove(name)}
      onClick={() => filterBy(rest)}
    >
      <bdi>{text}</bdi>
      <CloseIcon />
    </button>
  );
  return (
    <div class="chips filter-chips" role="group" aria-label={strings.labels.filters}>
      {owner !== "" && without(owner, strings.labels.owner(owner), { ...filters, owner: "" }, true)}
      {parent !== "" &&
        without(strings.labels.parent(parent.slice(-6)), strings.labels.parent(parent), {
          ...filters,
          parent: "",
        })}
      {tags.map((tag) =>
        without(tag, strings.labels.tag(tag), {
          ...filters,
          tags: tags.filter((other) => other !== tag),
        })
      )}
    </div>
  );
}
