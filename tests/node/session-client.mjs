// A client of the TypeScript SDK that keeps one session: calls a tool, then again for each line on stdin, and tells of tools/list_changed.
// node session-client.mjs <folder of @modelcontextprotocol/sdk> <url> <tool> <arguments as JSON>
import { createInterface } from 'node:readline';

const [sdk, url, name, args] = process.argv.slice(2);
const { Client } = await import(`${sdk}/dist/esm/client/index.js`);
const { StreamableHTTPClientTransport } = await import(`${sdk}/dist/esm/client/streamableHttp.js`);
const { ToolListChangedNotificationSchema } = await import(`${sdk}/dist/esm/types.js`);

const tell = event => console.log(JSON.stringify(event));
const client = new Client({ name: 'session-client', version: '1' });
client.onerror = () => {}; // A stream that breaks with the gateway is what this client is for.
client.setNotificationHandler(ToolListChangedNotificationSchema, () => tell({ event: 'list_changed' }));
const transport = new StreamableHTTPClientTransport(new URL(url), {
  reconnectionOptions: { initialReconnectionDelay: 200, maxReconnectionDelay: 200, reconnectionDelayGrowFactor: 1, maxRetries: 10_000 },
});
await client.connect(transport);

const call = async () => {
  const result = await client.callTool({ name, arguments: JSON.parse(args) });
  tell({ event: 'called', session: transport.sessionId, result });
};

await call();
for await (const _ of createInterface({ input: process.stdin })) {
  await call();
}

await client.close();
