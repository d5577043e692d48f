// Reads a JSON list of Mermaid texts; prints for each what Mermaid's own parser finds in it, or its error.
import { JSDOM } from "jsdom";

const dom = new JSDOM("<!doctype html>");
globalThis.window = dom.window;
globalThis.document = dom.window.document;
const { default: mermaid } = await import("mermaid");

let given = "";
for await (const chunk of process.stdin) given += chunk;

const found = [];
for (const text of JSON.parse(given)) {
  try {
    const kind = (await mermaid.parse(text)).diagramType;
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    if (kind === "sequence") {
      found.push({
        kind,
        lanes: [...db.getActors().values()].map((lane) => ({ name: lane.name, label: lane.description, kind: lane.type })),
        messages: db.getMessages().map(({ from, to, message, type }) => ({ from, to, label: message, type })),
      });
    } else {
      found.push({
        kind,
        nodes: [...db.getVertices().values()].map(({ id, text, type, classes }) => ({ name: id, label: text, shape: type, classes })),
        edges: db.getEdges().map(({ start, end, text, type, stroke }) => ({ from: start, to: end, label: text, type, stroke })),
        frames: db.getSubGraphs().map(({ id, title, nodes }) => ({ name: id, label: title, nodes })),
      });
    }
  } catch (error) {
    found.push({ error: String(error.message ?? error) });
  }
}
console.log(JSON.stringify(found));
