/**
 * @module How `up` looks: each line behind the name of its application, in a colour of its own.
 *
 * What applications print goes where they printed it, standard output or standard error; what Portolan says goes to standard error.
 */
import { formatDuration, widthOf } from "../../../core/index.ts";
import type { UpEvent, UpResult } from "../../../operations/up-schemas.ts";
import { paragraph, span, table, verbatim, type Block, type Line, type Span, type Style } from "../print/document.ts";
import type { View } from "../view.ts";

const colors = ["first", "second", "third", "fourth", "fifth", "sixth"] as const satisfies readonly Style[];
/** Who speaks when no application does. */
const ownName = "portolan";
/** Longer names do not widen the others' column. */
const widestName = 24;

/** The view of one run of `up`: it remembers whose colour is whose. */
export function createUpView(): View<UpResult, UpEvent> {
  let names: readonly string[] = [];
  let width = ownName.length;
  let tasks: ReadonlySet<string> = new Set();

  const prefix = (name: string): Span => {
    const index = names.indexOf(name);
    const style: Style = index < 0 ? "dim" : colors[index % colors.length]!;
    return span(`${name}${" ".repeat(Math.max(0, width - widthOf(name)))} |`, style);
  };
  const say = (name: string, ...line: Line): Block => verbatim(prefix(name), " ", ...line);

  return {
    event: (event) => (event.kind === "line" && event.stream === "stdout" ? [say(event.app, said(event.text))] : []),
    announce(event) {
      switch (event.kind) {
        case "plan":
          names = event.apps.map(({ name }) => name);
          tasks = new Set(event.apps.filter(({ ready }) => ready === "exit").map(({ name }) => name));
          width = Math.max(ownName.length, ...names.map((name) => Math.min(widestName, widthOf(name))));
          return event.apps.flatMap(({ name, urls, port }) =>
            planLine(name, urls, port).map((line) => say(ownName, ...line)),
          );
        case "line":
          return event.stream === "stderr" ? [say(event.app, said(event.text))] : [];
        case "waiting":
          return [say(event.app, span(`waits for ${event.for.join(", ")}`, "dim"))];
        case "starting":
          return [say(event.app, span(startingText(event), "dim"))];
        case "listening":
          return event.expected
            ? []
            : [
                say(
                  event.app,
                  span(`has taken port ${event.port} instead of its own; its name leads there`, "warning"),
                ),
              ];
        case "ready":
          return [say(event.app, ...readyLine(event))];
        case "ended":
          // One that runs to its end is done, which is said by itself.
          if (event.exitStatus === 0 && tasks.has(event.app)) return [];
          return [say(event.app, ...endedLine(event))];
        case "stopping":
          return [say(ownName, span(stoppingText(event, names), "dim"))];
        default:
          return [say(event.app ?? ownName, span(event.text, "warning"))];
      }
    },
    result: (result) => (result.dryRun ? dryRunBlocks(result) : []),
    notes: ({ left, dryRun, file }) => [
      ...(left.length > 0
        ? [paragraph([span(`Not even SIGKILL has ended process ${left.join(", ")}.`, "warning")])]
        : []),
      ...(dryRun ? [paragraph([span(`From ${file}. Nothing was started.`, "dim")])] : []),
    ],
    exitStatus: ({ exitStatus }) => exitStatus,
  };
}

/** A program's own line: its colours pass, and tabs become spaces, because what stands before the line moves their stops. */
function said(text: string): Span {
  return { text: text.replaceAll("\t", "    "), ownColors: true };
}

function planLine(name: string, urls: readonly string[], port: number | null): Line[] {
  const [url] = urls;
  if (url === undefined) return port === null ? [] : [[span(`${name}: port ${port}`, "dim")]];
  return [[span(`${name}: `, "dim"), span(url, "link"), span(` leads to port ${port}`, "dim")]];
}

function startingText({ attempt, port, told }: Extract<UpEvent, { kind: "starting" }>): string {
  const how = port === null ? "" : told === null ? `, PORT=${port}` : `, port ${port} told to ${told}`;
  return `${attempt === 0 ? "starts" : `starts again (${attempt})`}${how}`;
}

function readyLine({ how, urls, elapsedMs }: Extract<UpEvent, { kind: "ready" }>): Line {
  const time = span(` (${formatDuration(elapsedMs)})`, "dim");
  if (how === "exit") return [span("is done", "good"), time];
  if (how === "started") return [span("runs", "good")];
  const [url] = urls;
  const what = how === "http" ? "answers" : "listens";
  return url === undefined ? [span(what, "good"), time] : [span(`${what}: `, "good"), span(url, "link"), time];
}

function endedLine({ exitStatus, signal, restartInMs }: Extract<UpEvent, { kind: "ended" }>): Line {
  const how = signal === null ? `has ended with status ${exitStatus}` : `was ended by ${signal}`;
  if (restartInMs === null) return [span(how, exitStatus === 0 || signal !== null ? "dim" : "bad")];
  return [span(`${how}, starts again in ${formatDuration(restartInMs)}`, "warning")];
}

function stoppingText({ by, signal }: Extract<UpEvent, { kind: "stopping" }>, names: readonly string[]): string {
  if (names.includes(by)) return `${by} has failed; the others get ${signal}`;
  return `${by.startsWith("SIG") ? `${by}: ` : ""}all get ${signal}; once more ends them at once`;
}

function dryRunBlocks({ apps, routes }: UpResult): readonly Block[] {
  const columns = [
    { title: "APP", priority: 0 },
    { title: "ADDRESS", priority: 1, leastWidth: 16 },
    { title: "PORT", priority: 1 },
    { title: "AFTER", priority: 2 },
    { title: "READY", priority: 3 },
    { title: "COMMAND", priority: 0, leastWidth: 12 },
  ];
  const rows = apps.map(({ name, hostName, urls, port, after, ready, command }): readonly Line[] => [
    [span(name, "strong")],
    urls[0] !== undefined ? [span(urls[0], "link")] : hostName === null ? [] : [`http://${hostName}/`],
    [port === null ? (ready === "exit" ? "" : "free") : String(port)],
    [after.join(", ")],
    [ready],
    [command],
  ]);
  const kept = routes.map(({ name, target }): readonly Line[] => [
    [name],
    [],
    [target],
    [],
    [],
    [span("a route", "dim")],
  ]);
  return [table(columns, [...rows, ...kept])];
}
