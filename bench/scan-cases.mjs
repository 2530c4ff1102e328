/**
 * @module What is scanned by the benchmark, by whom, and what is true of it.
 */
import { describeStates, judgeStates, readNmapFile, readPortolanJson } from "./scan-findings.mjs";
import { prepareHarbour } from "./scan-harbour.mjs";

/** Nobody, an ordinary user. */
const ordinaryUser = 65_534;
/** How long one run may take, milliseconds. */
const mostMs = 120_000;

/**
 * @typedef {{
 *   namespace: object, link: string, contestants: readonly object[], notes: readonly string[],
 *   judge: (run: object, contestant: object) => { text: string }, targets: readonly object[], end: () => Promise<void>
 * }} Prepared
 */
export const scanCases = {
  loopback: { title: "65,535 loopback ports, 31 open", rounds: 11, quickRounds: 3, prepare: prepareLoopback },
  filtered: {
    title: "A filtered host: of 65,535 ports 64,910 dropped, 595 closed, 30 open",
    rounds: 7,
    quickRounds: 3,
    prepare: prepareFiltered,
  },
  network: {
    title: "254 addresses × 100 ports: 170 hosts that answer, 30 that drop everything, 54 absent",
    rounds: 5,
    quickRounds: 1,
    prepare: prepareNetwork,
  },
  harbour: { title: "What is it? Real servers, TCP", rounds: 5, quickRounds: 1, prepare: prepareHarbour("tcp") },
  "harbour-udp": { title: "What is it? Real servers, UDP", rounds: 5, quickRounds: 1, prepare: prepareHarbour("udp") },
};

function ownContestant({ command, node }, name, words) {
  return {
    name,
    command: node,
    words: [command, "scan", ...words, "--json"],
    output: "stdout",
    user: ordinaryUser,
    mostMs,
  };
}

function nmapContestant(name, words, longestMs = mostMs) {
  return { name, command: "nmap", words, output: "xml", user: null, mostMs: longestMs };
}

/** Compares with the truth whatever a run wrote. */
function judgeBy(support, truth) {
  return (run, contestant) => {
    const findings =
      contestant.output === "xml" ? readNmapFile(run.path, support.readNmapXml) : readPortolanJson(run.path);
    const counts = judgeStates(findings, truth);
    return { text: describeStates(counts), counts };
  };
}

/** @returns {Promise<Prepared>} */
async function prepareLoopback(support, place) {
  const namespace = await support.createNetworkNamespace();
  try {
    const open = Array.from({ length: 31 }, (_, index) => 22 + index * 2111);
    const listeners = await support.startListeners(
      namespace,
      open.map((port) => ["tcp", "127.0.0.1", port]),
    );
    const truth = new Map();
    for (let port = 1; port <= 65_535; port++) {
      truth.set(`127.0.0.1 tcp ${port}`, open.includes(port) ? "open" : "closed");
    }
    const nmap = ["-n", "-Pn"];
    return {
      namespace,
      link: "lo",
      contestants: [
        ownContestant(place, "portolan scan", ["127.0.0.1", "--all-ports", "--no-identify"]),
        nmapContestant("nmap -sT -T5 --min-rate 100000", [
          ...nmap,
          "-sT",
          "-p-",
          "-T5",
          "--min-rate",
          "100000",
          "127.0.0.1",
        ]),
        nmapContestant("nmap -sS -T4 (root)", [...nmap, "-sS", "-p-", "-T4", "127.0.0.1"]),
        nmapContestant("nmap -sT -T4", [...nmap, "-sT", "-p-", "-T4", "127.0.0.1"]),
      ],
      notes: ["`portolan` runs as nobody. It leaves out the printers' ports 9100 to 9107, which were not named."],
      judge: judgeBy(support, truth),
      targets: [
        { statement: "nmap -sT", own: "portolan scan", peer: "nmap -sT -T5 --min-rate 100000", most: 0.5 },
        { statement: "nmap -sS", own: "portolan scan", peer: "nmap -sS -T4 (root)", most: 0.65 },
      ],
      end: async () => {
        await listeners.stop();
        await namespace.destroy();
      },
    };
  } catch (error) {
    await namespace.destroy();
    throw error;
  }
}

/** @returns {Promise<Prepared>} */
async function prepareFiltered(support, place) {
  const fates = Array.from({ length: 65_536 }, () => "dropped");
  for (let index = 0; index < 595; index++) fates[110 * index + 7] = "closed";
  for (let index = 0; index < 30; index++) fates[2111 * index + 22] = "open";
  const host = await support.createMixedHost({ fates, lossPercent: 0 });
  const stateOf = { dropped: "filtered", closed: "closed", open: "open" };
  const truth = new Map();
  for (let port = 1; port <= 65_535; port++) truth.set(`${host.ipv4} tcp ${port}`, stateOf[fates[port]]);
  const nmap = ["-n", "-Pn", "-sT", "-p-"];
  const own = [host.ipv4, "--all-ports", "--no-identify"];
  const noRetry = "nmap -sT -T5 --max-retries 0 --min-rate 30000";
  return {
    namespace: host.scanner,
    link: "lan0",
    contestants: [
      ownContestant(place, "portolan scan --retries 0", [...own, "--retries", "0"]),
      nmapContestant(noRetry, [...nmap, "-T5", "--max-retries", "0", "--min-rate", "30000", host.ipv4]),
      ownContestant(place, "portolan scan", own),
      nmapContestant("nmap -sT", [...nmap, host.ipv4], place.quick ? mostMs : 10 * mostMs),
    ],
    notes: ["`portolan` runs as nobody."],
    judge: judgeBy(support, truth),
    targets: [
      { statement: "one try each", own: "portolan scan --retries 0", peer: noRetry, most: 0.35 },
      { statement: "default against default", own: "portolan scan", peer: "nmap -sT", most: 1 },
    ],
    end: () => host.destroy(),
  };
}

/** @returns {Promise<Prepared>} */
async function prepareNetwork(support, place) {
  const addressOf = (number) => `10.79.1.${number}`;
  const numbers = Array.from({ length: 254 }, (_, index) => index + 1);
  // A step of 5 is prime to 254: the kinds are spread over the network.
  const kindOf = (number) => {
    const order = ((number - 1) * 5) % 254;
    return order < 150 ? "serving" : order < 170 ? "closed" : order < 200 ? "silent" : "absent";
  };
  const [firstPort, lastPort] = [20, 119];
  const openPortsOf = (number) => [22, 80, 25 + (number % 90)];
  const target = await support.createNetworkNamespace();
  const ended = [() => target.destroy()];
  const end = async () => {
    for (const step of ended.splice(0).toReversed()) await step();
  };
  try {
    const present = numbers.filter((number) => kindOf(number) !== "absent");
    const namespace = await support.createNetworkNamespace({
      addresses: ["10.79.0.1/16"],
      peer: target,
      peerAddresses: present.map((number) => `${addressOf(number)}/16`),
    });
    ended.push(() => namespace.destroy());
    const silent = numbers.filter((number) => kindOf(number) === "silent").map(addressOf);
    await support.loadRules(target, [`ip daddr { ${silent.join(", ")} } drop`], []);
    const serving = numbers.filter((number) => kindOf(number) === "serving");
    const doors = serving.flatMap((number) =>
      [...new Set(openPortsOf(number))].map((port) => ["tcp", addressOf(number), port]),
    );
    const listeners = await support.startListeners(target, doors);
    ended.push(() => listeners.stop());
    const truth = new Map();
    for (const number of numbers) {
      const kind = kindOf(number);
      // nmap says nothing of addresses that it takes for absent, and a port of theirs has no state to be wrong about.
      if (kind === "absent" || kind === "silent") continue;
      for (let port = firstPort; port <= lastPort; port++) {
        const isOpen = kind === "serving" && openPortsOf(number).includes(port);
        truth.set(`${addressOf(number)} tcp ${port}`, isOpen ? "open" : "closed");
      }
    }
    const range = "10.79.1.1-254";
    const ports = ["-p", `${firstPort}-${lastPort}`];
    return {
      namespace,
      link: "lan0",
      contestants: [
        ownContestant(place, "portolan scan", [range, ...ports, "--no-identify"]),
        nmapContestant("nmap -sT", ["-n", "-sT", ...ports, range]),
        nmapContestant("nmap -sT -Pn", ["-n", "-Pn", "-sT", ...ports, range], 3 * mostMs),
        nmapContestant("nmap -sS (root)", ["-n", "-sS", ...ports, range]),
      ],
      notes: [
        "`portolan` runs as nobody and asks every address. nmap runs as root, asks by ARP first who is there, and leaves out the rest;",
        "with `-Pn` it asks every address too. Judged are the ports of hosts that answer.",
      ],
      judge: judgeBy(support, truth),
      targets: [{ statement: "default against default", own: "portolan scan", peer: "nmap -sT", most: 1 }],
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
