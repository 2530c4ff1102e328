/**
 * @module What the page shows: which view, which door, in which colours; and what a screen reader is told.
 */
import { signal } from "@preact/signals";

export type ViewName = "building" | "streets" | "names" | "time" | "scan" | "learn";
export type Theme = "auto" | "light" | "dark";
export type Colouring = "range" | "proof" | "reach" | "project" | "traffic";

/** A packet's journey that is being followed: a connection by its two endpoints, as `connections` prints them. */
export interface FollowedConnection {
  readonly port: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

const themeKey = "portolan.theme";

/** Day, night, or as the system is. Kept in this browser. */
export const theme = signal<Theme>(readTheme());

/** Chooses and keeps. */
export function chooseTheme(chosen: Theme): void {
  if (chosen === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
  theme.value = chosen;
  localStorage.setItem(themeKey, chosen);
}

function readTheme(): Theme {
  const kept = globalThis.localStorage?.getItem(themeKey);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export const view = signal<ViewName>("building");
export const colouring = signal<Colouring>("range");
/** The door that is open, null when none is. */
export const openPort = signal<number | null>(null);
/** What is typed into the search; empty shows everything. */
export const searchText = signal("");
/** Shown in place of the door's facts while a packet is followed. */
export const followed = signal<FollowedConnection | null>(null);
/** Ports that a lesson or a journey points at; the building draws a ring round them and, when there is one, moves there. */
export const highlighted = signal<readonly number[]>([]);
/** Said by the live region. */
export const announcement = signal("");

/** With `--demo`: whether only the demo's servers are shown. */
export const onlyDemo = signal(true);

/** Where the reader was when the door was opened. */
let cameFrom: Element | null = null;

/** Opens a door in whichever view is shown. */
export function openDoor(port: number): void {
  if (openPort.value === null) cameFrom = document.activeElement;
  openPort.value = port;
  followed.value = null;
}

/** Tells a screen reader. */
export function announce(text: string): void {
  announcement.value = text;
}

/** Closes it and leads the reader back to where they were. */
export function closeDoor(): void {
  openPort.value = null;
  followed.value = null;
  const back = cameFrom instanceof HTMLElement && cameFrom.isConnected && cameFrom !== document.body ? cameFrom : null;
  (back ?? document.querySelector<HTMLElement>(".building-frame") ?? document.getElementById("view"))?.focus();
}

/** What is asked about names in a dialog: for a server to be named (`null`: any), a name to be taken away, the gateway to be started. */
export type NameQuestion =
  | { readonly kind: "give"; readonly port: number | null }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "start" };

export const nameQuestion = signal<NameQuestion | null>(null);

/** The service whose port is to be freed, while its dialog is open. It outlives the service. */
export const freeing = signal<{ readonly port: number; readonly transport: string } | null>(null);
