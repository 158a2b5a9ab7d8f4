// A client of the TypeScript SDK that can be asked: it fills in forms, lends a model and has roots, all under its own name. Commands come as lines of JSON on stdin, events go out as lines on stdout.
//   node interactive-client.mjs NAME REVISION http URL
//   node interactive-client.mjs NAME REVISION stdio COMMAND [ARGUMENT...]
// Commands: {"call":TOOL,"arguments":{},"hold":true|false}, and {"answer":true} for a form that is held.
// Events: connected, asked (a form is held), progress, called.
import { createInterface } from 'node:readline';
import { Client, StreamableHTTPClientTransport } from '../../artifacts/node/node_modules/@modelcontextprotocol/client/dist/index.mjs';
import { StdioClientTransport } from '../../artifacts/node/node_modules/@modelcontextprotocol/client/dist/stdio.mjs';

const [name, revision, transport, target, ...args] = process.argv.slice(2);
const tell = event => console.log(JSON.stringify(event));
const client = new Client(
  { name, version: '1' },
  {
    capabilities: { elicitation: { form: {} }, sampling: {}, roots: {} },
    versionNegotiation: { mode: revision === '2026-07-28' ? { pin: revision } : 'legacy' },
  });

let questions = [];
let holds = false;
let release;
client.setRequestHandler('elicitation/create', async ({ params }) => {
  questions.push(params.message);
  if (holds) {
    tell({ event: 'asked', message: params.message });
    await new Promise(answered => { release = answered; });
  }

  return { action: 'accept', content: Object.fromEntries(Object.keys(params.requestedSchema.properties).map(property => [property, `${property} of ${name}`])) };
});
client.setRequestHandler('sampling/createMessage', ({ params }) => {
  questions.push(params.messages[0].content.text);
  return { model: 'test-model', role: 'assistant', content: { type: 'text', text: `model of ${name}` } };
});
client.setRequestHandler('roots/list', () => {
  questions.push('roots');
  return { roots: [{ uri: `file:///roots/${name}`, name }] };
});

await client.connect(transport === 'http' ? new StreamableHTTPClientTransport(new URL(target)) : new StdioClientTransport({ command: target, args, env: process.env }));
tell({ event: 'connected', revision: client.getNegotiatedProtocolVersion() });

const call = async command => {
  [questions, holds] = [[], command.hold];
  const result = await client.callTool({ name: command.call, arguments: command.arguments }, { onprogress: () => tell({ event: 'progress' }) });
  tell({ event: 'called', text: result.content.map(block => block.text).join(''), questions });
};

let calls = Promise.resolve();
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.answer) {
    release();
  } else {
    calls = calls.then(() => call(command)).catch(error => tell({ event: 'called', text: `failed: ${error.message}`, questions }));
  }
}

await calls;
await client.close();
