import { createServer } from "node:http";

const page = `<!doctype html>
<html lang="en">
  <title>harbour-lights</title>
  <link rel="icon" href="data:," />
  <p id="seen"></p>
  <script>
    const lights = new EventSource("/lights");
    // The next one is asked for when the one before has been seen: a stream that somebody holds back stops there.
    lights.onmessage = ({ data }) => {
      document.querySelector("#seen").textContent += data + " ";
      if (data !== "3") fetch("/next", { method: "POST" });
    };
  </script>
</html>`;

const watching = new Set();
let count = 1;
createServer((request, response) => {
  if (request.url === "/lights") {
    count = 1;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: 1\n\n");
    watching.add(response);
    response.on("close", () => watching.delete(response));
  } else if (request.url === "/next") {
    count += 1;
    for (const light of watching) light.write(`data: ${count}\n\n`);
    response.writeHead(204).end();
  } else {
    response.setHeader("content-type", "text/html");
    response.end(page);
  }
}).listen(process.env.PORT, "::1");
