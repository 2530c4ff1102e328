/**
 * @module The page's head: whose machine this is, the search, the views, day and night, and a way in for another tab.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { about, client, link, type Link } from "../state/machine.ts";
import { shownServices } from "../state/shown.ts";
import {
  announce,
  chooseTheme,
  onlyDemo,
  openDoor,
  searchText,
  theme,
  view,
  type Theme,
  type ViewName,
} from "../state/view.ts";
import { foundServices } from "../state/shown.ts";
import { namedPort } from "../search/match.ts";
import { safeText } from "../text/outside-text.ts";

const views: readonly { readonly id: ViewName; readonly title: string }[] = [
  { id: "building", title: "Building" },
  { id: "streets", title: "Streets" },
  { id: "names", title: "Names" },
  { id: "time", title: "Time" },
  { id: "scan", title: "Scan" },
  { id: "learn", title: "Learn" },
];

const nextTheme: Readonly<Record<Theme, Theme>> = { auto: "dark", dark: "light", light: "auto" };
const themeTitles: Readonly<Record<Theme, string>> = { auto: "Auto", light: "Day", dark: "Night" };

/** The head of every view. */
export function Header() {
  return (
    <header class="head">
      <div class="head-line">
        <h1 class="head-name">
          <span class="head-mark" aria-hidden="true" />
          Portolan
          <bdi class="head-host soft">{safeText(about.value?.hostName ?? "", 60)}</bdi>
        </h1>
        <Search />
        <div class="head-tools">
          <LinkState />
          {about.value?.demoPorts !== null && about.value !== null && (
            <button
              type="button"
              class="button"
              aria-pressed={onlyDemo.value}
              onClick={() => (onlyDemo.value = !onlyDemo.value)}
            >
              Demo only
            </button>
          )}
          <Invite />
          <button
            type="button"
            class="button button-quiet"
            aria-label={`Colours: ${themeTitles[theme.value]}. Change`}
            onClick={() => chooseTheme(nextTheme[theme.value])}
          >
            {themeTitles[theme.value]}
          </button>
        </div>
      </div>
      <nav class="head-views" aria-label="Views">
        {views.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            class="head-view"
            aria-current={view.value === id ? "page" : undefined}
            onClick={() => (view.value = id)}
          >
            {title}
          </button>
        ))}
      </nav>
    </header>
  );
}

function Search() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog") !== null;
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") searchText.value = "";
    if (event.key !== "Enter") return;
    const first = namedPort(searchText.value) ?? foundServices.value[0]?.port;
    if (first === undefined) announce("Nothing that listens matches.");
    else openDoor(first);
  };
  return (
    <search class="head-search">
      <input
        ref={field}
        class="field"
        type="search"
        aria-label="Search ports, names, projects, processes, protocols"
        aria-keyshortcuts="/"
        placeholder="Search: 3000, postgres, my-shop, node …"
        autocomplete="off"
        spellcheck={false}
        value={searchText.value}
        onInput={(event) => (searchText.value = event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <span class="unseen" role="status">
        {searchText.value.trim() === "" ? "" : `${foundServices.value.length} of ${shownServices.value.length} match`}
      </span>
    </search>
  );
}

const linkWords: Readonly<Record<Link, string>> = {
  connecting: "Connecting",
  live: "Live",
  lost: "Lost",
  "no-token": "Not let in",
  "token-refused": "Not let in",
  "server-gone": "Ended",
};

function LinkState() {
  return (
    <span class={`head-link head-link-${link.value}`}>
      <span class="head-dot" aria-hidden="true" />
      {linkWords[link.value]}
    </span>
  );
}

function Invite() {
  const said = useSignal("New link");
  const invite = async (): Promise<void> => {
    if (client.value === null) return;
    try {
      const { entryUrl } = await client.value.invite();
      await navigator.clipboard.writeText(entryUrl);
      said.value = "Link copied";
      announce("A link for another tab is in the clipboard. It is good for one use.");
    } catch {
      said.value = "Not copied";
    }
    setTimeout(() => (said.value = "New link"), 3000);
  };
  return (
    <button type="button" class="button button-quiet" onClick={() => void invite()}>
      {said.value}
    </button>
  );
}
