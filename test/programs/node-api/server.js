import { createServer } from "node:http";

const ships = [
  { name: "Aurora", berth: 3 },
  { name: "Meridian", berth: 7 },
];

// Port 80 is a web browser's default: this application answers when a URL names no port at all.
createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ application: "harbour-api", path: request.url, ships }));
}).listen(Number(process.env.PORT ?? 80));
