/**
 * @module The name is the trouble: it has no address, or another machine's.
 */
import type { Look } from "./finding.ts";
import { advise, isReached, joinWords, nameOf, placeAt, run, servicesAsked } from "./words.ts";

/** The resolver knows no address of the name. */
export const nameUnresolved: Look = (facts) => {
  const { name, asked } = facts;
  if (name === null || name.resolved.length > 0 || name.localhost) return null;
  const here = servicesAsked(facts)[0];
  return {
    kind: "name-unresolved",
    sure: "certain",
    title: `The name ${name.name} has no address.`,
    evidence: [
      "The system's resolver, which asks the hosts file and DNS, answers with no address.",
      name.hostsLines.length === 0
        ? `No line of ${name.hostsPath} has the name.`
        : `${name.hostsPath} has the name, and yet it is not answered.`,
      ...(here === undefined ? [] : [`On this machine ${nameOf(here)} listens at port ${asked.port}.`]),
    ],
    remedies: [
      ...(here === undefined
        ? []
        : [run("Open it by the name that every machine has:", placeAt(asked, "localhost", asked.port))]),
      ...(name.name.endsWith(".local")
        ? [
            advise(
              "Names in .local are asked by multicast DNS: Avahi or Bonjour must run on both machines (Linux: libnss-mdns).",
            ),
          ]
        : []),
      run(
        `Give the name an address in ${name.hostsPath}:`,
        `${here === undefined ? "ADDRESS" : "127.0.0.1"} ${name.name}`,
      ),
    ],
  };
};

/** The name leads to another machine while the server is on this one. */
export const nameElsewhere: Look = (facts) => {
  const { name, attempts, asked } = facts;
  const here = servicesAsked(facts)[0];
  if (name === null || here === undefined || isReached(facts)) return null;
  if (attempts.length === 0 || attempts.some(({ own }) => own)) return null;
  const line = name.hostsLines.find(({ address }) => attempts.some((attempt) => attempt.address === address));
  return {
    kind: "name-elsewhere",
    sure: line === undefined ? "likely" : "certain",
    title: `The name ${name.name} leads to ${joinWords(attempts.map(({ address }) => address))}, which is not this machine.`,
    evidence: [
      line === undefined
        ? "The system's resolver answers so, and no line of the hosts file does."
        : `${name.hostsPath}, line ${line.line}: ${line.address} ${name.name}`,
      `On this machine ${nameOf(here)} listens at port ${asked.port}.`,
    ],
    remedies: [
      run("Open it by the name that every machine has:", placeAt(asked, "localhost", asked.port)),
      ...(line === undefined
        ? []
        : [run(`Change line ${line.line} of ${name.hostsPath} to:`, `127.0.0.1 ${name.name}`)]),
    ],
  };
};
