/**
 * @module Names instead of numbers: the gateway, every name with where it leads, and the requests that pass.
 */
import { useEffect } from "preact/hooks";
import { listedRoutes, routeProblems } from "../state/routes.ts";
import { nameQuestion } from "../state/view.ts";
import { countOf } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { GatewayCard } from "./gateway-card.tsx";
import { groupRoutes } from "./group-routes.ts";
import { RequestList } from "./request-list.tsx";
import { followRequests } from "./requests.ts";
import { RouteGroupCard } from "./route-card.tsx";

/** The view. */
export function NamesView() {
  useEffect(() => followRequests(), []);
  const routes = listedRoutes.value;
  if (routes === null) return <p class="soft">Reading the names …</p>;
  return (
    <div class="names">
      <GatewayCard />
      <section class="names-routes" aria-labelledby="names-title">
        <div class="names-head">
          <h2 id="names-title">
            {routes.length === 0
              ? "No name leads anywhere yet"
              : `${countOf(routes.length, "name")} in place of numbers`}
          </h2>
          <button
            type="button"
            class={routes.length === 0 ? "button button-main" : "button"}
            onClick={() => (nameQuestion.value = { kind: "give", port: null })}
          >
            Give a name
          </button>
        </div>
        {routes.length === 0 && (
          <p>
            A server gets a name here, at its door, or by <code>portolan route add shop 3000</code>; a program that{" "}
            <code>portolan run -- npm run dev</code> starts has one from its beginning.
          </p>
        )}
        {routeProblems.value.map(({ path, reason }) => (
          <p key={path} class="names-problem" role="alert">
            {safeText(reason, 400)}
          </p>
        ))}
        {routes.length > 0 && (
          <ul class="names-groups">
            {groupRoutes(routes).map((group) => (
              <RouteGroupCard key={group.host} group={group} />
            ))}
          </ul>
        )}
      </section>
      <RequestList />
    </div>
  );
}
