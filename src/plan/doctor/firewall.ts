/**
 * @module A firewall is the trouble: a rule that can be shown, or silence that only a firewall makes.
 */
import { isLoopbackAddress } from "../../core/index.ts";
import { listensAt } from "../listens-at.ts";
import type { Attempt, DoctorFacts } from "./facts.ts";
import type { Finding, Look, Remedy } from "./finding.ts";
import { findRefusal, type Packet, type Refusal } from "./firewall-walk.ts";
import { advise, doctorCommand, run, servicesAsked } from "./words.ts";

/** A rule refuses what was tried, or what others would try at an address of this machine's network. */
export const firewallRefuses: Look = (facts) => {
  const chains = facts.firewall.chains;
  if (!chains.known) return null;
  for (const attempt of facts.attempts) {
    if (attempt.outcome === "open" || (attempt.own && !hasListener(facts, attempt))) continue;
    const refusal = attempt.own
      ? findRefusal(chains.value, localPacket(facts, attempt), ["output", "postrouting", "prerouting", "input"])
      : findRefusal(chains.value, outgoingPacket(facts, attempt), ["output", "postrouting"]);
    // A machine that answers is not silenced by a rule of ours.
    if (refusal === null || (!attempt.own && attempt.outcome === "ECONNREFUSED" && refusal.does === "drop")) continue;
    return tell(
      facts,
      refusal,
      `A rule of the firewall ${refusal.does === "drop" ? "drops" : "rejects"} connections to ${attempt.address}, port ${facts.asked.port}.`,
      [
        `${attempt.address} gave ${attempt.outcome === "ETIMEDOUT" ? `no answer within ${attempt.elapsedMs} ms` : attempt.outcome}.`,
      ],
    );
  }
  for (const attempt of facts.attempts) {
    if (!attempt.own || isLoopbackAddress(attempt.address) || !hasListener(facts, attempt)) continue;
    const refusal = findRefusal(chains.value, incomingPacket(facts, attempt), ["prerouting", "input"]);
    // Where all is well from here, a perhaps is no finding.
    if (refusal === null || (!refusal.certain && attempt.outcome === "open")) continue;
    return tell(
      facts,
      refusal,
      `A rule of the firewall keeps other devices from ${attempt.address}, port ${facts.asked.port}.`,
      attempt.outcome === "open" ? ["From this machine itself it can be opened."] : [],
    );
  }
  return null;
};

/** Nothing came back though somebody listens, which the kernel alone does not do. */
export const firewallSuspected: Look = (facts) => {
  const { attempts, firewall, asked } = facts;
  if (asked.transport !== "tcp") return null;
  const silent = attempts.find(
    (attempt) => attempt.own && attempt.outcome === "ETIMEDOUT" && hasListener(facts, attempt) && !isQueueFull(attempt),
  );
  if (silent === undefined) return null;
  return {
    kind: "firewall-suspected",
    sure: "likely",
    title: `Somebody listens at ${silent.address}, port ${asked.port}, and yet no answer comes: a firewall drops it.`,
    evidence: [
      `No answer within ${silent.elapsedMs} ms; on one machine the kernel always answers.`,
      firewall.chains.known ? "The rules that could be read do not say so." : "The firewall's rules could not be read.",
    ],
    remedies: [
      firewall.chains.known
        ? advise(
            "Look at what Portolan does not read: programs in the kernel (eBPF, XDP) and rules for traffic control.",
          )
        : run("See the rule, as root:", `sudo ${doctorCommand(asked)}`),
    ],
  };
};

function isQueueFull({ queue }: Attempt): boolean {
  return queue !== null && queue.waiting > 0 && (queue.most === null || queue.waiting > queue.most);
}

function hasListener(facts: DoctorFacts, { address }: Attempt): boolean {
  return servicesAsked(facts).some(({ sockets }) => sockets.some((socket) => listensAt(socket, address) !== "no"));
}

/** What this machine sends to itself goes out and comes in by the loopback interface, whichever address it has. */
function localPacket({ asked }: DoctorFacts, { address, family }: Attempt): Packet {
  const { transport: protocol, port } = asked;
  return {
    family,
    protocol,
    source: address,
    destination: address,
    port,
    inInterface: "lo",
    outInterface: "lo",
    toOwn: true,
  };
}

function outgoingPacket({ asked }: DoctorFacts, { address, family }: Attempt): Packet {
  const { transport: protocol, port } = asked;
  return {
    family,
    protocol,
    source: null,
    destination: address,
    port,
    inInterface: null,
    outInterface: null,
    toOwn: false,
  };
}

function incomingPacket({ asked, interfaces }: DoctorFacts, { address, family }: Attempt): Packet {
  const { transport: protocol, port } = asked;
  const carrier = interfaces.find(({ addresses }) => addresses.some((one) => one.address === address));
  return {
    family,
    protocol,
    source: null,
    destination: address,
    port,
    inInterface: carrier?.name ?? null,
    outInterface: null,
    toOwn: true,
  };
}

function tell(facts: DoctorFacts, refusal: Refusal, title: string, seen: readonly string[]): Finding {
  return {
    kind: "firewall",
    sure: refusal.certain ? "certain" : "possible",
    title,
    evidence: [
      `${refusal.chain}: ${refusal.rule}`,
      ...(refusal.certain ? [] : ["Whether that rule is the one depends on conditions that Portolan does not read."]),
      ...seen,
    ],
    remedies: remediesFor(facts, refusal),
  };
}

function remediesFor({ asked, firewall }: DoctorFacts, { chain, rule }: Refusal): Remedy[] {
  const { port, transport } = asked;
  const words = chain.split(" ");
  if (firewall.keeper === "ufw") return [run("Let it in:", `sudo ufw allow ${port}/${transport}`)];
  if (firewall.keeper === "firewalld") {
    return [run("Let it in (with --permanent for good):", `sudo firewall-cmd --add-port=${port}/${transport}`)];
  }
  if (words[0] === "iptables" || words[0] === "ip6tables") {
    const [program, table = "filter", name = "INPUT"] = words;
    return [
      run(
        "Let it in before that rule:",
        `sudo ${program} -t ${table} -I ${name} -p ${transport} --dport ${port} -j ACCEPT`,
      ),
      ...(rule.startsWith("-A ")
        ? [run("Or remove the rule:", `sudo ${program} -t ${table} -D ${rule.slice(3)}`)]
        : []),
    ];
  }
  return [
    run("Let it in before that rule:", `sudo nft insert rule ${chain} ${transport} dport ${port} accept`),
    advise("Rules that a program or a file keeps (/etc/nftables.conf) are changed there, or they come back."),
  ];
}
