/**
 * @module What a process's control group says: the container or the systemd unit it runs in (cgroups(7), systemd.special(7)).
 */

/** A container or unit. */
export interface ControlGroupOwner {
  readonly kind: "systemd" | "systemd-user" | "docker" | "podman" | "kubernetes" | "containerd" | "lxc";
  /** Unit, or the container's id in twelve digits, or its name for LXC. */
  readonly name: string;
}

/** Most of the text that is looked at: real ones have up to 14 lines of a few hundred characters. */
const textLimit = 16_384;

/** The container or else the systemd service named by /proc/PID/cgroup, or `undefined`; scopes and slices are neither. */
export function readControlGroup(text: string): ControlGroupOwner | undefined {
  const paths: string[] = [];
  for (const line of text.slice(0, textLimit).split("\n")) {
    // hierarchy:controllers:path
    const first = line.indexOf(":");
    const second = first === -1 ? -1 : line.indexOf(":", first + 1);
    if (second !== -1) paths.push(line.slice(second + 1));
  }
  for (const path of paths) {
    const container = readContainer(path);
    if (container !== undefined) return container;
  }
  for (const path of paths) {
    const unit = readUnit(path);
    if (unit !== undefined) return unit;
  }
  return undefined;
}

function readContainer(path: string): ControlGroupOwner | undefined {
  // From the innermost element out: a container in a Kubernetes node that is a container itself is the pod's.
  const elements = path.split("/");
  for (let index = elements.length - 1; index >= 0; index--) {
    const element = elements[index]!;
    const id = /(?:^|-)([0-9a-f]{64})(?:\.scope)?$/.exec(element)?.[1];
    // The control group of a whole pod of Podman, in which its monitors are.
    if (id !== undefined && element === id && elements[index - 1] === "libpod_parent") continue;
    if (id !== undefined) {
      const name = id.slice(0, 12);
      const outside = elements.slice(0, index).join("/");
      if (outside.includes("kubepods")) return { kind: "kubernetes", name };
      if (element.startsWith("libpod-")) return { kind: "podman", name };
      if (element.startsWith("docker-") || elements[index - 1] === "docker") return { kind: "docker", name };
      if (/^(?:cri-containerd|crio)-/.test(element)) return { kind: "kubernetes", name };
      return { kind: "containerd", name };
    }
    const lxc = /^lxc\.payload\.(.+)$/.exec(element)?.[1] ?? (elements[index - 1] === "lxc" ? element : undefined);
    if (lxc !== undefined && lxc !== "") return { kind: "lxc", name: lxc };
  }
  return undefined;
}

function readUnit(path: string): ControlGroupOwner | undefined {
  const elements = path.split("/");
  const manager = elements.findIndex((element) => /^user@\d{1,10}\.service$/.test(element));
  for (let index = elements.length - 1; index > manager; index--) {
    const element = elements[index]!;
    // A scope holds what somebody else started: a login session, a terminal's tab.
    if (element.endsWith(".scope")) return undefined;
    if (element.endsWith(".service")) return { kind: manager === -1 ? "systemd" : "systemd-user", name: element };
  }
  return undefined;
}
