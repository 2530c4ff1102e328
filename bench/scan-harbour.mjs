/**
 * @module Identification of the tests' harbour of real servers: who says what each of them is.
 */
import { readNmapFile, readPortolanJson } from "./scan-findings.mjs";

/** Nobody, an ordinary user. */
const ordinaryUser = 65_534;
/** How long one run may take, milliseconds. */
const mostMs = 900_000;

/**
 * Names in nmap's output that are right for a protocol of ours; put together from what it printed and the names of the protocols.
 * `general`: true, but said of whatever is carried by it too.
 */
const nmapNames = {
  docker: { exact: ["docker"], general: ["http"] },
  dns: { exact: ["domain"], general: [] },
  elasticsearch: { exact: ["elasticsearch"], general: ["http"] },
  grpc: { exact: ["grpc"], general: ["http2", "http"] },
  http: { exact: ["http", "http-proxy", "http-alt"], general: [] },
  http2: { exact: ["http2"], general: ["http"] },
  kubernetes: { exact: ["kubernetes"], general: ["http"] },
  memcached: { exact: ["memcached", "memcache"], general: [] },
  mongodb: { exact: ["mongodb", "mongod"], general: [] },
  next: { exact: ["next"], general: ["http"] },
  prometheus: { exact: ["prometheus"], general: ["http"] },
  "prometheus-exporter": { exact: ["prometheus-exporter"], general: ["http"] },
  rdp: { exact: ["ms-wbt-server", "rdp", "xrdp"], general: [] },
  sip: { exact: ["sip", "sip-proxy"], general: [] },
  smb: { exact: ["microsoft-ds", "netbios-ssn", "smb"], general: [] },
  vite: { exact: ["vite"], general: ["http"] },
  webpack: { exact: ["webpack"], general: ["http"] },
  websocket: { exact: ["websocket"], general: ["http"] },
};

/** All servers of one transport in one namespace. */
export function prepareHarbour(transport) {
  return async (support, { command, node }) => {
    const harbour = await support.startHarbour();
    try {
      const berths = harbour.berths.filter(
        ({ server, namespace }) => namespace === harbour.namespace && server.transports.includes(transport),
      );
      const addresses = [...new Set(berths.map(({ address }) => address))];
      const ports = [...new Set(berths.map(({ port }) => port))].toSorted((left, right) => left - right).join(",");
      const ways = transport === "tcp" ? { own: [], nmap: ["-sT"] } : { own: ["--udp"], nmap: ["-sU"] };
      const nmapTitle = `nmap ${ways.nmap.join(" ")} -sV`;
      const notes = [
        `${berths.length} servers on ${addresses.length} addresses; those that need a network of their own are left out.`,
        '"Right" is the protocol itself; "general" is what carries it: `http` for a Prometheus.',
      ];
      if (harbour.missing.length > 0) notes.push(`Not running: ${harbour.missing.map(({ id }) => id).join(", ")}.`);
      return {
        namespace: harbour.namespace,
        link: "lo",
        contestants: [
          {
            name: "portolan scan",
            command: node,
            words: [command, "scan", ...addresses, "-p", ports, ...ways.own, "--json"],
            output: "stdout",
            user: ordinaryUser,
            mostMs,
          },
          {
            name: nmapTitle,
            command: "nmap",
            words: ["-n", "-Pn", ...ways.nmap, "-sV", "-p", ports, ...addresses],
            output: "xml",
            user: null,
            mostMs,
          },
        ],
        notes,
        judge: judgeServices(support, berths, transport),
        targets: [{ statement: `against ${nmapTitle}`, own: "portolan scan", peer: nmapTitle, most: 0.15 }],
        end: () => harbour.end(),
      };
    } catch (error) {
      await harbour.end();
      throw error;
    }
  };
}

function judgeServices(support, berths, transport) {
  const judge = (run, { name, output }) => {
    const isNmap = output === "xml";
    const { services } = isNmap ? readNmapFile(run.path, support.readNmapXml) : readPortolanJson(run.path);
    const said = berths.map(({ server, address, port }) => {
      const names = services.get(`${address} ${transport} ${port}`) ?? [];
      return { name, id: server.id, names, verdict: isNmap ? judgeNmap(server, names) : judgeOwn(server, names) };
    });
    const count = (verdict) => said.filter((one) => one.verdict === verdict).length;
    const parts = [`${count("right")} of ${berths.length} right`];
    for (const verdict of ["general", "wrong", "unknown"]) {
      if (count(verdict) > 0) parts.push(`${count(verdict)} ${verdict}`);
    }
    return { text: parts.join(", "), said };
  };
  judge.conclude = (verdicts) => {
    const lines = [];
    for (const [name, judged] of verdicts) {
      const others = judged.at(-1)?.said.filter(({ verdict }) => verdict !== "right") ?? [];
      if (others.length === 0) continue;
      const words = others.map(
        ({ id, names, verdict }) => `${id} ${verdict}${names.length > 0 ? ` (${names.join("/")})` : ""}`,
      );
      lines.push(`- ${name}, not right in the last run: ${words.join(", ")}`);
    }
    return lines;
  };
  return judge;
}

function judgeOwn({ protocol, tls = false, alsoSpeaks = [] }, names) {
  const carriers = [...(nmapNames[protocol]?.general.length > 0 ? ["http"] : []), ...(tls ? ["tls"] : [])];
  // A server that offers STARTTLS shows TLS too.
  const allowed = new Set([protocol, ...alsoSpeaks, ...carriers, ...(names.includes(protocol) ? ["tls"] : [])]);
  if (names.some((name) => !allowed.has(name))) return "wrong";
  if ([protocol, ...alsoSpeaks].some((name) => names.includes(name))) return "right";
  return names.length === 0 ? "unknown" : "general";
}

function judgeNmap({ protocol }, names) {
  const { exact, general } = nmapNames[protocol] ?? { exact: [protocol], general: [] };
  const name = names.at(-1);
  if (name === undefined) return "unknown";
  if (exact.includes(name)) return "right";
  return general.includes(name) || (names.length === 2 && name === "unknown") ? "general" : "wrong";
}
