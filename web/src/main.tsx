/**
 * @module Where the page starts: lets itself in, then follows the machine.
 */
import { effect } from "@preact/signals";
import { render } from "preact";
import { ApiError, createClient, type Client } from "./api/client.ts";
import { closeSession, openSession } from "./api/session.ts";
import { App } from "./app.tsx";
import { nameOf } from "./building/tenants.ts";
import { about, client, happenings, link, takeIn } from "./state/machine.ts";
import { followRoutes } from "./state/routes.ts";
import { announce, chooseTheme, theme } from "./state/view.ts";

/** Pauses between attempts to reach the server again, milliseconds; after them it counts as ended. */
const pausesMs = [300, 1000, 2000, 4000, 8000];

async function start(): Promise<void> {
  const session = await openSession();
  if ("refusal" in session) {
    link.value = session.refusal;
    return;
  }
  const made = createClient(session.key);
  client.value = made;
  followRoutes();
  await follow(made);
}

/** Keeps the page current until the server is gone for good. */
async function follow(made: Client): Promise<void> {
  let failures = 0;
  while (failures <= pausesMs.length) {
    try {
      about.value = await made.about();
      for await (const event of made.stream("watch", {}, new AbortController().signal)) {
        failures = 0;
        link.value = "live";
        takeIn(event);
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        closeSession();
        link.value = "no-token";
        return;
      }
    }
    link.value = "lost";
    const pauseMs = pausesMs[failures];
    failures += 1;
    if (pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  link.value = "server-gone";
}

/** Arrivals and departures for who does not see them; a crowd is only counted. */
function announceHappenings(): void {
  let told = 0;
  effect(() => {
    const all = happenings.value;
    const fresh = all.slice(Math.max(0, all.length - 50)).filter(({ atMs }) => atMs > told);
    told = all.at(-1)?.atMs ?? told;
    const news = fresh.filter(({ kind }) => kind !== "changed");
    if (news.length === 0) return;
    if (news.length > 3) announce(`${news.length} doors opened or closed.`);
    else {
      announce(
        news
          .map(
            ({ kind, service }) =>
              `Port ${service.port}, ${nameOf(service)}, ${kind === "appeared" ? "opened" : "closed"}.`,
          )
          .join(" "),
      );
    }
  });
}

chooseTheme(theme.value);
const root = document.getElementById("page");
if (root !== null) {
  root.replaceChildren();
  render(<App />, root);
}
announceHappenings();
void start();
