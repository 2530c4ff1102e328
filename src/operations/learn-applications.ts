/**
 * @module Chapter 4 of the lesson: one device, many applications at once.
 */
import { endDemoServers, startDemoServers } from "../act/index.ts";
import { knownOr } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { describeServices, programNameOf } from "./look.ts";
import { lookOrUnknown, rowsFigure, withExperiment, type ChapterWriter, type Lesson } from "./learn-lesson.ts";

/** Most rows that a reader wants to see here. */
const mostRows = 8;

const applicationsOutline = {
  title: "One device, many applications at once",
  paragraphs: [
    "One address, many doors: a database, a web server and a dozen development servers can live in one machine and never get each " +
      "other's messages, because each waits behind a port of its own.",
  ],
};

/** Chapter 4. */
export const writeApplicationsChapter: ChapterWriter = withExperiment(applicationsOutline, async (lesson, outline) => {
  const look = await lookOrUnknown(lesson.context, { states: "listening" });
  const here = look.known ? listTenants(look.value) : [];
  const enough = new Set(here.map(([, , pid]) => pid)).size >= 3;
  const rows = enough ? here : await startTenants(lesson);
  return {
    title: outline.title,
    paragraphs: [
      ...outline.paragraphs,
      enough
        ? `On this machine ${here.length} doors are open whose tenants can be seen${here.length > mostRows ? ` (here are ${mostRows})` : ""}:`
        : "Few applications wait on this machine now, so the lesson has started three small web servers, each a process of its own:",
    ],
    figures: [rowsFigure(["PORT", "APPLICATION", "PROCESS"], rows.slice(0, mostRows))],
    afterwards: [
      "One application may also open several doors. Two applications behind one door is another matter: chapter 6 tries that.",
      "portolan demo starts three such servers and asks each of them; portolan list shows all doors of this machine.",
    ],
  };
});

function listTenants(snapshot: Snapshot): string[][] {
  return describeServices(snapshot).flatMap((service) => {
    const leader = knownOr(service.holders, [])[0];
    if (leader === undefined) return [];
    const program = programNameOf(snapshot.processOf(leader.pid)) ?? "?";
    const project = service.project?.value.name;
    const name = project === undefined ? program : `${program} (${project})`;
    return [[`${service.port}/${service.transport}`, name, `pid ${leader.pid}`]];
  });
}

async function startTenants({ context, keep }: Lesson): Promise<string[][]> {
  const servers = await startDemoServers({ everywhere: false, pleasantPorts: false, signal: context.signal });
  keep(() => endDemoServers(servers));
  return servers.map(({ name, what, port, pid }) => [`${port}/tcp`, `${name}: ${what}`, `pid ${pid}`]);
}
