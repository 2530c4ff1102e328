/**
 * @module The page: its head, the chosen view, the open door beside it, and what is said to a screen reader.
 */
import { lazy, Suspense } from "preact/compat";
import { Building } from "./building/building.tsx";
import { List } from "./list/list.tsx";
import { Header } from "./shell/header.tsx";
import { Outside } from "./shell/outside.tsx";
import { about, link } from "./state/machine.ts";
import { foundPorts, tenants } from "./state/shown.ts";
import { announcement, nameQuestion, openDoor, openPort, view } from "./state/view.ts";
import { safeText } from "./text/outside-text.ts";

const Door = lazy(async () => (await import("./door/door.tsx")).Door);
const Streets = lazy(async () => (await import("./streets/streets.tsx")).Streets);
const NamesView = lazy(async () => (await import("./names/names-view.tsx")).NamesView);
const NameDialog = lazy(async () => (await import("./names/name-dialog.tsx")).NameDialog);
const TimeView = lazy(async () => (await import("./time/time-view.tsx")).TimeView);
const ScanView = lazy(async () => (await import("./scan/scan-view.tsx")).ScanView);
const LearnView = lazy(async () => (await import("./learn/learn-view.tsx")).LearnView);

/** The whole page. */
export function App() {
  const isOutside = ["no-token", "token-refused", "server-gone"].includes(link.value);
  return (
    <>
      <a class="skip" href="#view">
        Skip to the chart
      </a>
      <Header />
      <main
        id="view"
        class={`view view-${view.value}${openPort.value === null ? "" : " view-with-door"}`}
        tabIndex={-1}
      >
        {isOutside ? <Outside link={link.value} /> : <View />}
      </main>
      <p class="unseen" role="status" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}

function View() {
  return (
    <>
      <div class="view-main">
        <Suspense fallback={<p class="soft">…</p>}>
          <ChosenView />
        </Suspense>
      </div>
      {openPort.value !== null && (
        <Suspense fallback={null}>
          <Door />
        </Suspense>
      )}
      {nameQuestion.value !== null && (
        <Suspense fallback={null}>
          <NameDialog question={nameQuestion.value} />
        </Suspense>
      )}
    </>
  );
}

function ChosenView() {
  switch (view.value) {
    case "streets":
      return <Streets />;
    case "names":
      return <NamesView />;
    case "time":
      return <TimeView />;
    case "scan":
      return <ScanView />;
    case "learn":
      return <LearnView />;
    default:
      return (
        <div class="chart">
          <Building
            tenants={tenants}
            found={foundPorts}
            label={`Ports of ${safeText(about.value?.hostName ?? "this machine", 60)}`}
            onOpen={openDoor}
            onPainted={() => performance.mark("portolan-painted")}
          />
          <List />
        </div>
      );
  }
}
