/**
 * @module One host name with its paths and its wildcard: where each leads, how it stands, what it gets.
 */
import type { ListedRoute } from "../../../src/operations/route-schemas.ts";
import { detailOf, nameOf } from "../building/tenants.ts";
import { services } from "../state/machine.ts";
import { localPortOf } from "../state/routes.ts";
import { nameQuestion, openDoor } from "../state/view.ts";
import { countOf, formatCount } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { keptSeconds } from "./activity.ts";
import { splitName, type RouteGroup } from "./group-routes.ts";
import { activityOf } from "./requests.ts";
import { serviceAt, standingOf } from "./route-state.ts";

/** The card of a host name. */
export function RouteGroupCard({ group: { host, routes } }: { readonly group: RouteGroup }) {
  return (
    <li class="name-card">
      <h3 class="name-host">
        <bdi>{safeText(host, 260)}</bdi>
      </h3>
      <ul class="name-routes">
        {routes.map((route) => (
          <RouteRow key={route.name} route={route} />
        ))}
      </ul>
    </li>
  );
}

function RouteRow({ route }: { readonly route: ListedRoute }) {
  const { path, wildcard } = splitName(route.name);
  const name = safeText(route.name, 360);
  const standing = standingOf(route, services.value);
  const [url] = route.urls;
  return (
    <li class={`name-route name-${standing.kind}`}>
      <p class="name-leads">
        <span class="name-place mono">
          {wildcard && `every name below${path === "/" ? "" : ", "}`}
          {(path !== "/" || !wildcard) && <bdi>{safeText(path, 120)}</bdi>}
        </span>{" "}
        <span class="soft" aria-hidden="true">
          →
        </span>
        <span class="unseen">leads to</span> <Target route={route} />
      </p>
      <p class="name-standing">
        <span class="name-lamp" aria-hidden="true" />
        {standing.word}
        <Program route={route} />
        {route.strip && <span class="soft">, {safeText(path, 120)} taken off</span>}
        {route.ownHost && <span class="soft">, its own name in Host</span>}
      </p>
      <Sparkline route={route} />
      <p class="name-actions">
        {url !== undefined && /^https?:\/\//.test(url) && (
          <a class="button" href={url} target="_blank" rel="noreferrer noopener" aria-label={`Open ${name}`}>
            Open
          </a>
        )}
        <button
          type="button"
          class="button button-quiet"
          aria-label={`Remove ${name}`}
          onClick={() => (nameQuestion.value = { kind: "remove", name: route.name })}
        >
          Remove
        </button>
      </p>
    </li>
  );
}

function Target({ route }: { readonly route: ListedRoute }) {
  const port = localPortOf(route);
  if (port === null) return <bdi class="mono">{safeText(route.target, 280)}</bdi>;
  const [before = ""] = route.target.split(/\d+$/);
  return (
    <>
      <span class="mono soft">{before}</span>
      <button type="button" class="link-button mono" aria-label={`Door ${port}`} onClick={() => openDoor(port)}>
        {port}
      </button>
    </>
  );
}

/** Who answers: the program of `run`, or who listens there. */
function Program({ route }: { readonly route: ListedRoute }) {
  const { command, pid } = route;
  if (command !== null && pid !== null) {
    return (
      <span class="soft">
        {" "}
        <bdi class="mono">{safeText(command.join(" "), 80)}</bdi> {pid}
      </span>
    );
  }
  const port = localPortOf(route);
  const service = port === null ? undefined : serviceAt(port, services.value);
  if (service === undefined) return null;
  return (
    <span class="soft">
      {" "}
      <bdi>{nameOf(service)}</bdi>, <bdi>{detailOf(service)}</bdi>
    </span>
  );
}

const sparkHeight = 24;

/** Requests of the last minute, a bar a second. Heights are square roots: one request is seen beside a thousand. */
function Sparkline({ route }: { readonly route: ListedRoute }) {
  const { perSecond, lastMinute, failuresLastMinute, rate } = activityOf(route.name);
  const most = Math.sqrt(Math.max(4, ...perSecond));
  const path = perSecond
    .map((count, index) => (count === 0 ? "" : bar(index, (Math.sqrt(count) / most) * sparkHeight)))
    .join("");
  return (
    <div class="name-traffic">
      <svg
        class="name-spark"
        viewBox={`0 0 ${keptSeconds} ${sparkHeight}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        focusable="false"
      >
        <path d={path} />
      </svg>
      <span class="soft">
        {lastMinute === 0 ? (
          "quiet"
        ) : (
          <>
            {rate >= 0.1 && `${rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate))}/s, `}
            {formatCount(lastMinute)} in a minute
            {failuresLastMinute > 0 && <span class="name-failures">, {countOf(failuresLastMinute, "failure")}</span>}
          </>
        )}
      </span>
    </div>
  );
}

function bar(index: number, height: number): string {
  const tall = Math.max(1.5, height);
  return `M${index + 0.15} ${sparkHeight}v-${tall.toFixed(1)}h.7v${tall.toFixed(1)}z`;
}
