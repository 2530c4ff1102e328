/**
 * @module How `demo` looks.
 */
import type { DemoEvent, DemoResult } from "../../../operations/demo.ts";
import { blank, paragraph, span, verbatim, type Block } from "../print/document.ts";
import type { View } from "../view.ts";
import { isGuess } from "./service-cells.ts";
import { serviceTable } from "./service-table.ts";

/** The view of `demo`. */
export const demoView: View<DemoResult, DemoEvent> = {
  event(event) {
    switch (event.kind) {
      case "started":
        return startedBlocks(event.servers);
      case "chart":
        return chartBlocks(event);
      case "answer":
        return answerBlocks(event);
      case "ended":
        return [paragraph(`${event.name} (pid ${event.pid}) has ended: port ${event.port} is free again.`)];
      default:
        return [
          blank,
          paragraph("They go on until you stop them. Open the addresses in a browser, or look from another terminal:"),
          verbatim("  ", span("portolan list harbour", "link")),
          paragraph([span("Ctrl-C", "strong"), " ends it."]),
        ];
    }
  },
  result(result) {
    if (result.servers.length === 0) return [];
    const answered = result.answers.filter(({ status }) => status !== null).length;
    return [
      blank,
      paragraph(
        `${answered} of ${result.answers.length} requests were answered. One address serves three applications, because each has a ` +
          "port of its own: the address finds the device, the port finds the application. " +
          `The three servers have ended, and ports ${portsText(result.servers)} are free again.`,
      ),
    ];
  },
};

function startedBlocks(servers: DemoResult["servers"]): Block[] {
  const everywhere = servers.some(({ address }) => address === "0.0.0.0");
  const blocks: Block[] = [
    paragraph([
      span("One address, three ports, three applications.", "strong"),
      everywhere
        ? " They listen at every address of this machine, so that other devices can open them:"
        : " They listen at 127.0.0.1, the address by which this machine calls itself:",
    ]),
    blank,
  ];
  for (const { name, what, port, wantedPort, pid } of servers) {
    const moved = wantedPort === null || port === wantedPort ? "" : ` (${wantedPort} was taken)`;
    blocks.push(
      paragraph([span(String(port), "strong"), `  ${name}: ${what}, pid ${pid}${moved}`], { indent: 2, hang: 8 }),
    );
  }
  return blocks;
}

function chartBlocks({ services, unsupported }: Extract<DemoEvent, { kind: "chart" }>): Block[] {
  if (unsupported) {
    return [
      blank,
      paragraph("The chart is left out: Portolan cannot read the sockets of this system yet."),
      ...askHeading,
    ];
  }
  return [
    blank,
    verbatim(span("The chart, as portolan list shows it", "heading")),
    // The names of the three are what tells them apart here.
    serviceTable(services, ["port", "what", "heldBy", "pid", "project", "reach"], 0, {
      what: 1,
      heldBy: 2,
      project: 0,
      reach: 3,
    }),
    ...(services.some(isGuess) ? [paragraph([span("? named by its port number alone.", "dim")])] : []),
    ...askHeading,
  ];
}

const askHeading: readonly Block[] = [blank, verbatim(span("Each address is asked, and who answers", "heading"))];

function answerBlocks(answer: DemoResult["answers"][number]): Block[] {
  const url = verbatim(span(answer.url, "link"));
  if (answer.status === null) {
    return [url, paragraph([span("no answer", "bad"), `: ${answer.firstLine}`], { indent: 4 })];
  }
  return [
    url,
    paragraph(
      [
        span(String(answer.status), answer.status < 400 ? "good" : "bad"),
        ` from ${answer.answeredBy ?? "somebody else"}, pid ${answer.pid ?? "unknown"}`,
      ],
      { indent: 4 },
    ),
    paragraph([span(answer.firstLine, "dim")], { indent: 4 }),
  ];
}

function portsText(servers: DemoResult["servers"]): string {
  const ports = servers.map(({ port }) => String(port));
  return `${ports.slice(0, -1).join(", ")} and ${ports.at(-1) ?? ""}`;
}
