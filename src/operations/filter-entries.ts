/**
 * @module Input entries of every command that shows services: what narrows them (`select.ts` compiles it).
 */
import { optionalChoice, optionalInteger, optionalText, optionalTexts } from "./parameters.ts";

/** Filters that `list`, `follow` and `watch` share. */
export const filterEntries = {
  filter: optionalTexts("Ports (3000, 8000-8100, ..1023, ssh) or text found in the program, project, user or name", {
    placeholder: "FILTER",
  }),
  port: optionalText("Only these ports, as a set: 22,80,8000-8100,..1023,ssh", { placeholder: "SET", short: "p" }),
  process: optionalText("Only holders whose name, executable or arguments contain this text", { placeholder: "TEXT" }),
  pid: optionalInteger("Only what this process holds", 1, 4_194_304, { placeholder: "PID" }),
  project: optionalText("Only projects whose name or folder contains this text", { placeholder: "TEXT" }),
  user: optionalText("Only sockets of this user: a login name, a user id, or me", { placeholder: "USER", short: "u" }),
  transport: optionalChoice(["tcp", "udp"], "Only this transport", { short: "t" }),
};

/** The same of how far listeners of the own namespace reach. */
export const ownReachEntries = {
  reach: optionalChoice(["machine", "networks", "everywhere", "nowhere"], "Only listeners that reach exactly this far"),
};
