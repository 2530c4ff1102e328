/**
 * @module Windows behind the Host interface, by one run of PowerShell for each look.
 */
import { PortolanError } from "../../core/index.ts";
import { captureText } from "../capture.ts";
import type { Host } from "../host.ts";
import { readJsonObject, type JsonRecord } from "./json-reading.ts";
import { limitsOf, listInterfaces } from "./network.ts";
import { powershellPath, powershellWords } from "./script.ts";

/** This Windows machine. */
export function createWindowsHost(): Host {
  // Interfaces and limits come by the same run of a program that takes half a second to start.
  let network: JsonRecord | undefined;
  const readNetwork = (): JsonRecord => (network ??= askForNetwork());
  return {
    platform: "win32",
    async snapshot(request = {}) {
      const { takeWindowsSnapshot } = await import("./snapshot.ts");
      return await takeWindowsSnapshot(request);
    },
    readInterfaces: () => listInterfaces(readNetwork()),
    readLimits: () => limitsOf(readNetwork()),
  };
}

function askForNetwork(): JsonRecord {
  const text = captureText(powershellPath(process.env), powershellWords("network"), 30_000);
  if (text === undefined) throw new PortolanError("HOST_READ_FAILED", "PowerShell did not answer.");
  return readJsonObject(text);
}
