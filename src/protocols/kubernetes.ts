/**
 * @module The Kubernetes API server: its version, or the Status object with which it refuses.
 */
import { describeMiss, fetchPage, parseJsonObject, textOf } from "./http-message.ts";
import type { Conversation, Fact, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { fact, type Talk } from "./talk.ts";

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const reading = yield* fetchPage(talk, context, { path: "/version" });
  if (!reading.ok) return describeMiss(reading);
  const { status, body } = reading.page;
  const value = parseJsonObject(body);
  const gitVersion = textOf(value?.["gitVersion"]);
  if (status === 200 && gitVersion !== undefined && /^v\d+\.\d+\.\d+/.test(gitVersion) && hasBuildFields(value!)) {
    const from = "/version, field gitVersion";
    return {
      outcome: "proved",
      evidence: `gitVersion ${gitVersion.slice(0, 64)} at /version`,
      facts: [fact("product", "Kubernetes", from), fact("version", gitVersion, from)],
    };
  }
  if (isStatus(value)) {
    const facts: Fact[] = [fact("product", "Kubernetes", "Status object")];
    if (status === 401 || status === 403) facts.push(fact("login", true, `Status object, code ${status}`));
    return { outcome: "proved", evidence: `a Status object of the API, code ${status}`, facts };
  }
  return { outcome: "other", evidence: `status ${status} to GET /version, without gitVersion` };
}

/** What stands beside gitVersion in version.Info. */
function hasBuildFields(value: Readonly<Record<string, unknown>>): boolean {
  return [value["major"], value["minor"], value["platform"]].every((part) => typeof part === "string");
}

function isStatus(value: Readonly<Record<string, unknown>> | undefined): boolean {
  return (
    value !== undefined &&
    value["kind"] === "Status" &&
    value["apiVersion"] === "v1" &&
    value["status"] === "Failure" &&
    typeof value["code"] === "number"
  );
}

function isHinted(page: HttpPage): boolean {
  if (page.headers.has("x-kubernetes-pf-flowschema-uid") || page.headers.has("audit-id")) return true;
  return /"kind":\s*"Status"|"\/apis?\//.test(page.body.slice(0, 1024)) && page.body.startsWith("{");
}

/** Kubernetes API. */
export const kubernetes: Protocol = {
  id: "kubernetes",
  title: "Kubernetes API",
  speaksFirst: "client",
  over: "http",
  usualPorts: [{ port: 6443, transport: "tcp", tls: true }],
  text: {
    purpose: "The door to a cluster: everything in it is read and changed through this interface.",
    weakProof: null,
    strongProof:
      "GET /version brings gitVersion with major, minor and platform; or the refusal is a Status object of the API (kind Status, apiVersion v1).",
    claims: [
      { fact: "product", from: "/version, or the Status object" },
      { fact: "version", from: "/version, field gitVersion" },
      { fact: "login", from: "Status object with code 401 or 403" },
    ],
    effectOnTarget: "One request without credentials, as the user system:anonymous. It may stand in the audit log.",
    wire: [
      { from: "client", bytes: "GET /version HTTP/1.1\\r\\n\u2026\\r\\n\\r\\n", meaning: "inside TLS" },
      {
        from: "server",
        bytes: '{"major":"1","minor":"28","gitVersion":"v1.28.4",\u2026"platform":"linux/amd64"}',
        meaning: "its version",
      },
      {
        from: "server",
        bytes: '{"kind":"Status","apiVersion":"v1",\u2026"status":"Failure",\u2026"code":401}',
        meaning: "or its refusal",
      },
    ],
    sources: [
      "Kubernetes documentation, Controlling Access to the Kubernetes API",
      "Kubernetes source, apimachinery/pkg/version: Info",
      "Kubernetes API conventions, Response Status Kind",
    ],
  },
  worthAsking: (page, port) => isHinted(page) || port === 6443,
  probe: converse,
};
