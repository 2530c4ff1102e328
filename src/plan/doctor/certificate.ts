/**
 * @module The server answers by TLS, and its certificate is refused.
 */
import type { ShownCertificate } from "./facts.ts";
import type { Finding, Look, Remedy } from "./finding.ts";
import { advise, joinWords, run } from "./words.ts";

const outOfTime: ReadonlySet<string> = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);

/** Expired, for another name, or of an issuer that nobody here trusts. */
export const certificateRefused: Look = ({ attempts, asked }) => {
  const certificates = attempts.flatMap(({ exchange }) => exchange?.certificate ?? []);
  const shown = certificates.find((one) => one.problem !== null);
  if (shown === undefined || shown.problem === null) return null;
  const { problem, subject, issuer, names, validFrom, validTo } = shown;
  const host = asked.host ?? "localhost";
  const evidence = [
    `${subject}, issued by ${issuer}, for ${names.length === 0 ? "no name" : joinWords(names.slice(0, 8))}, valid from ${validFrom} to ${validTo}.`,
    `A client that checks it refuses: ${problem}.`,
  ];
  if (outOfTime.has(problem)) {
    const early = problem === "CERT_NOT_YET_VALID";
    return {
      kind: "certificate-expired",
      sure: "certain",
      title: early
        ? `The certificate at ${host} is valid from ${validFrom} only.`
        : `The certificate at ${host} has expired on ${validTo}.`,
      evidence,
      remedies: [
        early ? advise("Look at this machine's clock.") : advise("Renew the certificate, and restart the server."),
      ],
    };
  }
  if (problem === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return {
      kind: "certificate-wrong-name",
      sure: "certain",
      title: `The certificate is not for the name ${host}.`,
      evidence,
      remedies: [
        ...names.slice(0, 1).map((name) => advise(`Open it by a name that it is for: ${name}.`)),
        advise(`Or make a certificate that has ${host} among its names.`),
      ],
    };
  }
  return untrusted(shown, host, evidence);
};

function untrusted(shown: ShownCertificate, host: string, evidence: readonly string[]): Finding {
  const selfSigned = shown.problem === "DEPTH_ZERO_SELF_SIGNED_CERT";
  return {
    kind: "certificate-untrusted",
    sure: "certain",
    title: selfSigned
      ? `The certificate at ${host} is signed by itself.`
      : `The certificate at ${host} is of an issuer that this machine does not trust.`,
    evidence,
    remedies: trust(shown, selfSigned),
  };
}

function trust({ issuer, ownAuthority }: ShownCertificate, selfSigned: boolean): Remedy[] {
  if (ownAuthority) return [run("Trust Portolan's own authority:", "portolan gateway trust")];
  if (/mkcert/i.test(issuer)) return [run("Trust mkcert's authority:", "mkcert -install")];
  return [
    selfSigned
      ? advise(
          "Make one that is trusted, by mkcert or by Portolan's gateway (`portolan gateway trust`), or trust this one.",
        )
      : advise("Have the server send its whole chain, or add the issuer to this machine's trusted certificates."),
  ];
}
