/**
 * @module What `doctor` answers.
 */
import * as v from "valibot";
import { findingKinds } from "../plan/index.ts";
import { familySchema, listOf, portSchema } from "./schemas.ts";

const findingSchema = v.object({
  kind: v.pipe(v.picklist(findingKinds), v.description("What it is; these words are permanent")),
  sure: v.pipe(
    v.picklist(["certain", "likely", "possible"]),
    v.description("certain: what was seen leaves no other reading"),
  ),
  title: v.string(),
  evidence: v.pipe(listOf(v.string()), v.description("What was seen")),
  remedies: v.pipe(
    listOf(
      v.object({
        text: v.string(),
        command: v.pipe(
          v.nullable(v.string()),
          v.description("A command, a flag, a setting or an address to open; null when the text says it all"),
        ),
      }),
    ),
    v.description("What to do, best first"),
  ),
});

const attemptSchema = v.object({
  address: v.string(),
  family: familySchema,
  own: v.pipe(v.boolean(), v.description("The address is this machine's")),
  outcome: v.pipe(v.string(), v.description("open, or the system's code: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH")),
  elapsedMs: v.number(),
  answered: v.pipe(v.nullable(v.boolean()), v.description("As it was asked; null when nothing was said")),
  status: v.pipe(v.nullable(v.number()), v.description("Of HTTP")),
  failure: v.pipe(v.nullable(v.string()), v.description("SILENT, or the code of what went wrong after it opened")),
  identified: v.pipe(listOf(v.string()), v.description("What it proved to be, outermost first")),
});

/** The whole answer. */
export const doctorSchema = v.object({
  complete: v.boolean(),
  asked: v.object({
    text: v.pipe(v.string(), v.description("The place as it was understood, without user and password")),
    transport: v.picklist(["tcp", "udp"]),
    scheme: v.nullable(v.string()),
    host: v.pipe(v.nullable(v.string()), v.description("null for this machine")),
    port: portSchema,
  }),
  healthy: v.pipe(v.boolean(), v.description("True without any finding")),
  findings: v.pipe(listOf(findingSchema), v.description("The first one is the likeliest cause")),
  attempts: v.pipe(listOf(attemptSchema), v.description("What was tried")),
  notes: v.pipe(listOf(v.string()), v.description("True, and no fault")),
  notLookedAt: v.pipe(
    listOf(
      v.object({
        what: v.picklist(["firewall", "routes", "holders", "sockets", "processes", "interfaces", "files"]),
        why: v.picklist(["permission", "gone", "unsupported"]),
        message: v.string(),
      }),
    ),
    v.description("What could have been the cause and could not be looked at"),
  ),
});

export type DoctorResult = v.InferOutput<typeof doctorSchema>;
