/**
 * @module One service behind the door: who holds it, who can reach it, who is connected, and what can be done.
 */
import type { CanBindResult } from "../../../src/operations/can-bind.ts";
import type { WhoResult } from "../../../src/operations/who.ts";
import { formatBytes } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { Actions } from "./actions.tsx";
import { Clients } from "./clients.tsx";
import { Names } from "./names.tsx";
import { Fact, FactList, Section } from "./parts.tsx";
import { QrCode } from "./qr-code.tsx";
import { TrafficChart } from "./traffic-chart.tsx";

export type HeldService = WhoResult["ports"][number]["services"][number];
type Process = HeldService["parents"][number];

const basisWords = {
  proved: "proved by its handshake",
  inferred: "seen from the program that holds it",
  convention: "usual for this port",
  assigned: "assigned to this port by IANA",
} as const;

/** Everything known of a service. */
export function ServiceFacts({ service, bind }: { readonly service: HeldService; readonly bind: CanBindResult }) {
  const { title, holders, reach, project, framework, supervisor, container, parents } = service;
  const url = outsideUrl(service);
  const branch = project?.value.git?.branch ?? null;
  return (
    <div class="door-service">
      <p class="door-claim">
        <span class="door-transport mono">{service.transport}</span>{" "}
        {title === null ? "Nothing says what it is." : `${safeText(title.value, 80)}: ${basisWords[title.basis]}.`}
        {title !== null && <span class="soft"> ({safeText(title.evidence)})</span>}
      </p>
      <Actions service={service} />
      {service.transport === "tcp" && <Names port={service.port} />}
      <Section title="Who lives here">
        {holders.known ? (
          holders.value.map((holder) => (
            <FactList key={holder.pid}>
              <Fact name={holder.role === "leader" ? "Process" : "Worker"}>
                <ProcessName process={holder} />
              </Fact>
              {holder.role === "leader" && <HolderFacts holder={holder} />}
            </FactList>
          ))
        ) : (
          <p>
            {holders.why === "permission"
              ? "Another user's process; only that user or root can see which."
              : holders.why === "gone"
                ? "It had ended before it could be asked."
                : "This system does not tell."}
          </p>
        )}
        <FactList>
          {project !== null && (
            <Fact name="Project">
              <bdi>{safeText(project.value.name)}</bdi>
              {branch !== null && (
                <span class="soft">
                  {" "}
                  on <bdi>{safeText(branch)}</bdi>
                </span>
              )}
              <bdi class="door-path mono">{safeText(project.value.root)}</bdi>
            </Fact>
          )}
          {framework !== null && <Fact name="Framework">{safeText(framework.value.title)}</Fact>}
          {supervisor !== null && (
            <Fact name="Kept running by">
              {safeText(supervisor.value.kind)} <bdi>{safeText(supervisor.value.name ?? "")}</bdi>
            </Fact>
          )}
          {container !== null && (
            <Fact name="Container">
              <bdi>{safeText(container.value.name ?? container.value.id.slice(0, 12))}</bdi>{" "}
              <span class="soft">
                {container.value.engine} <bdi>{safeText(container.value.image ?? "")}</bdi>
              </span>
            </Fact>
          )}
          {parents.length > 0 && (
            <Fact name="Started by">
              {parents.map((parent, index) => (
                <span key={parent.pid}>
                  {index > 0 && " ← "}
                  <ProcessName process={parent} />
                </span>
              ))}
            </Fact>
          )}
        </FactList>
      </Section>
      <Section title="Who can reach it">
        <p>{safeText(reach.reason, 600)}</p>
        <ul class="door-addresses">
          {reach.addresses.map((reachable) => (
            <li key={`${reachable.address}${reachable.interfaceName}`}>
              {reachable.url === null ? (
                <span class="mono">{reachable.endpoint}</span>
              ) : (
                <a class="mono" href={reachable.url} target="_blank" rel="noreferrer noopener">
                  {reachable.url}
                </a>
              )}
              <span class="soft">
                {" "}
                {audienceWords[reachable.audience]} by {safeText(reachable.interfaceName, 30)}
                {reachable.certain ? "" : ", depending on an option that cannot be read"}
              </span>
            </li>
          ))}
        </ul>
        {url !== null ? (
          <QrCode url={url} />
        ) : (
          reach.scope === "machine" &&
          service.urls.length > 0 && (
            <p class="soft">
              A phone cannot open it: it listens on this machine alone. Start it with the address 0.0.0.0 (often --host)
              to let other devices in.
            </p>
          )
        )}
        <p class="soft">A firewall may still stand in between; Portolan does not read its rules.</p>
      </Section>
      {service.transport === "tcp" && (
        <>
          <Clients port={service.port} />
          <TrafficChart port={service.port} />
        </>
      )}
      <Section title="Sockets">
        <ul class="door-sockets mono">
          {service.sockets.map((socket) => (
            <li key={socket.inode}>
              {socket.state} {socket.local.address}:{socket.local.port}{" "}
              <span class="soft">
                {socket.family} inode {socket.inode}, queue {socket.receiveQueue}
              </span>
            </li>
          ))}
        </ul>
        <p class="soft">{bindWords(bind)}</p>
      </Section>
    </div>
  );
}

const audienceWords = {
  "this-machine": "from this machine",
  link: "from the same link",
  "private-network": "from the private network",
  internet: "from the internet",
} as const;

/** The first URL that another device can open. */
function outsideUrl(service: HeldService): string | null {
  return service.reach.addresses.find(({ url, audience }) => url !== null && audience !== "this-machine")?.url ?? null;
}

function bindWords({ answers }: CanBindResult): string {
  const answer = answers[0];
  return answer === undefined ? "" : `Would another program get this port? ${safeText(answer.reason, 400)}`;
}

function ProcessName({ process }: { readonly process: Pick<Process, "pid" | "name"> }) {
  return (
    <>
      <bdi>{process.name.known ? safeText(process.name.value, 60) : "?"}</bdi> <span class="mono">{process.pid}</span>
    </>
  );
}

type Holder = Extract<HeldService["holders"], { known: true }>["value"][number];

function HolderFacts({ holder }: { readonly holder: Holder }) {
  const { userName, uid, startedAt, memoryBytes, workingDirectory, executable } = holder;
  const user = userName.known && userName.value !== null ? userName.value : uid.known ? String(uid.value) : null;
  return (
    <>
      {user !== null && (
        <Fact name="User">
          <bdi>{safeText(user, 60)}</bdi>
        </Fact>
      )}
      {startedAt.known && <Fact name="Since">{new Date(startedAt.value).toLocaleString()}</Fact>}
      {memoryBytes.known && <Fact name="Memory">{formatBytes(memoryBytes.value)}</Fact>}
      {holder.arguments.known && (
        <Fact name="Command">
          <bdi class="door-command mono">{safeText(holder.arguments.value.join(" "), 600)}</bdi>
        </Fact>
      )}
      {workingDirectory.known && (
        <Fact name="Folder">
          <bdi class="door-path mono">{safeText(workingDirectory.value)}</bdi>
        </Fact>
      )}
      {executable.known && (
        <Fact name="Program">
          <bdi class="door-path mono">{safeText(executable.value)}</bdi>
          {holder.executableDeleted && <span class="soft"> (replaced since it was started)</span>}
        </Fact>
      )}
    </>
  );
}
