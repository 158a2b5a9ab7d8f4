// Many MCP servers (2025-11-25, Streamable HTTP) in one process, one at each path. Prints its port.
import { createServer } from 'node:http';

const tools = [{ name: 'echo', description: 'Answers with its arguments.', inputSchema: { type: 'object', properties: { n: { type: 'integer' } } } }];
const answers = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'one-of-many', version: '1' } }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'tools/call': ({ arguments: args }) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }),
};

const server = createServer((request, response) => {
  if (request.method !== 'POST') {
    response.writeHead(405).end();
    return;
  }

  let body = '';
  request.setEncoding('utf8');
  request.on('data', part => { body += part; });
  request.on('end', () => {
    const message = JSON.parse(body);
    if (message.id === undefined) {
      response.writeHead(202).end();
      return;
    }

    const answer = answers[message.method];
    const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(answer ? { result: answer(message.params ?? {}) } : { error: { code: -32601, message: 'not here' } }) });
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
