/**
 * @module What is told of a project: what is planned, and what has become of it.
 */
import type { Port } from "../core/index.ts";
import type { PlannedApp, ProjectFile, ProjectPlan } from "../project/index.ts";
import type { UpEvent, UpResult } from "./up-schemas.ts";
import type { AppLife } from "./up-life.ts";

type ToldPlan = Omit<Extract<UpEvent, { kind: "plan" }>, "kind">;
type ToldApp = ToldPlan["apps"][number];

/** One application as it is planned. */
export function describeApp(planned: PlannedApp, port: Port | null, urls: readonly string[]): ToldApp {
  const { name, hostName, path, text, directory, after, ready } = planned;
  return {
    name,
    hostName: hostName === null ? null : path === "/" ? hostName : `${hostName}${path}`,
    urls: [...urls],
    port,
    command: text,
    directory,
    after: [...after],
    ready: ready.by,
  };
}

/** All of it before it starts. */
export function describePlan(file: ProjectFile, plan: ProjectPlan, apps: readonly AppLife[]): ToldPlan {
  return {
    project: plan.projectName,
    file: file.path,
    apps: apps.map(({ planned, port, named }) => describeApp(planned, port, named?.urls ?? [])),
    routes: file.routes.map(({ name, target }) => ({ name, target })),
  };
}

/** All of it at the end. */
export function describeResult(
  file: ProjectFile,
  plan: ProjectPlan,
  apps: readonly AppLife[],
  ending: { readonly stoppedBy: string | null; readonly exitStatus: number; readonly left: readonly number[] },
): UpResult {
  const { project, routes } = describePlan(file, plan, apps);
  return {
    complete: true,
    dryRun: false,
    project,
    file: file.path,
    apps: apps.map(({ planned, port, named, state, end, restarts }) => ({
      ...describeApp(planned, port, named?.urls ?? []),
      state,
      exitStatus: end?.exitStatus ?? null,
      signal: end?.signal ?? null,
      restarts,
    })),
    routes,
    stoppedBy: ending.stoppedBy,
    left: [...ending.left],
    exitStatus: ending.exitStatus,
  };
}
