/**
 * @module The ports that Kubernetes manifests ask for on the nodes of a cluster: nodePort, hostPort, and the ports of pods in the host's
 * network. A cluster is another machine, or several: they meet each other and nothing here.
 */
import { dirname } from "node:path";
import { plainWish, readPortNumber, type PortWish } from "./port-wish.ts";
import type { ProjectProblem, SourceText } from "./source-text.ts";
import { entryOf, itemsOf, readYaml, textOf, type YamlNode } from "./yaml-tree.ts";

/** Ports that a cluster gives to services of type NodePort unless its API server is told otherwise (kube-apiserver, --service-node-port-range). */
export const nodePorts = { first: 30_000, last: 32_767 } as const;

const mostWishes = 50_000;

/** Whether a file has an object of Kubernetes in it. */
export function looksLikeKubernetes({ text }: SourceText): boolean {
  return /^apiVersion[^\S\r\n]*:/m.test(text) && /^kind[^\S\r\n]*:/m.test(text);
}

/** Templates of Helm are no YAML until they are filled in. */
export function isTemplate({ text }: SourceText): boolean {
  return /\{\{-?[\s\w."$(]/.test(text);
}

/** Reads a file of manifests. */
export function kubernetesWishes(source: SourceText): {
  readonly wishes: readonly PortWish[];
  readonly problems: readonly ProjectProblem[];
} {
  const { documents, problems } = readYaml(source);
  const wishes: PortWish[] = [];
  const told: ProjectProblem[] = [...problems];
  const folder = dirname(source.path);
  const visit = (node: YamlNode, depth: number): void => {
    if (depth > 2 || wishes.length > mostWishes) return;
    const kind = textOf(node, "kind")?.text;
    if (kind === "List") for (const item of itemsOf(entryOf(node, "items"))) visit(item, depth + 1);
    if (kind === undefined) return;
    const metadata = entryOf(node, "metadata");
    const name = textOf(metadata, "name")?.text ?? "";
    const space = textOf(metadata, "namespace")?.text ?? "default";
    const object = `${kind} ${space}/${name}`;
    const common = {
      ...plainWish,
      format: "kubernetes",
      name: `${kind} ${name}`,
      binder: "cluster",
      scene: "cluster",
      folders: [],
      home: folder,
    } as const;
    for (const found of kind === "Service" ? servicePorts(node) : podPorts(node)) {
      wishes.push({ ...common, ...found, unit: object });
    }
    if (kind === "Service") told.push(...outsideRange(node, source));
  };
  for (const document of documents) visit(document, 0);
  return { wishes, problems: told };
}

type Found = Pick<PortWish, "port" | "place" | "transport" | "address">;

function servicePorts(node: YamlNode): Found[] {
  const spec = entryOf(node, "spec");
  return itemsOf(entryOf(spec, "ports")).flatMap((item) => portAt(item, "nodePort"));
}

function outsideRange(node: YamlNode, source: SourceText): ProjectProblem[] {
  return servicePorts(node).flatMap(({ port, place }) => {
    if (port >= nodePorts.first && port <= nodePorts.last) return [];
    const message = `A cluster takes ${nodePorts.first} to ${nodePorts.last} as nodePort, unless it was set up otherwise, and not ${port}.`;
    return [{ severity: "warning" as const, message, path: source.path, place }];
  });
}

/** Ports of a Pod, or of the template of what makes pods. */
function podPorts(node: YamlNode): Found[] {
  const spec = entryOf(node, "spec");
  const template = entryOf(entryOf(spec, "template"), "spec");
  const job = entryOf(entryOf(entryOf(entryOf(spec, "jobTemplate"), "spec"), "template"), "spec");
  const pod = template ?? job ?? spec;
  const inHostNetwork = textOf(pod, "hostNetwork")?.text === "true";
  return ["containers", "initContainers"].flatMap((key) =>
    itemsOf(entryOf(pod, key)).flatMap((container) =>
      itemsOf(entryOf(container, "ports")).flatMap((item) => {
        const own = portAt(item, "hostPort");
        return own.length === 0 && inHostNetwork ? portAt(item, "containerPort") : own;
      }),
    ),
  );
}

function portAt(item: YamlNode, key: string): Found[] {
  const text = textOf(item, key);
  const port = readPortNumber(text?.text ?? "");
  if (text === undefined || port === undefined) return [];
  const protocol = (textOf(item, "protocol")?.text ?? "TCP").toLowerCase();
  const transport = protocol === "udp" || protocol === "sctp" ? protocol : "tcp";
  const address = textOf(item, "hostIP")?.text ?? null;
  return [
    { port, place: text.placeOf(0, text.text.length), transport, address: address === "0.0.0.0" ? null : address },
  ];
}
