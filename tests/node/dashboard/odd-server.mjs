// An MCP server on stdio (2025-11-25) whose texts are hostile to whoever shows them, and whose tools have what a dashboard must be able to show and to ask.
import { createInterface } from 'node:readline';

const hostile = '<script>window.owned = 1</script><img src=x onerror="window.owned = 2"><a href="javascript:window.owned = 3">click</a>';
const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const sound = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const object = (properties, required = []) => ({ type: 'object', properties, required });
const tools = [
  { name: 'say', description: 'Writes a line to stderr and answers with it.', inputSchema: object({ text: { type: 'string' } }, ['text']) },
  {
    name: 'fields', title: 'All kinds of fields', description: 'Answers with its arguments.',
    inputSchema: {
      ...object({
        text: { type: 'string', description: 'Any text', minLength: 2 }, whole: { type: 'integer', minimum: 1, maximum: 9 }, real: { type: 'number', default: 2.5 }, flag: { type: 'boolean' },
        colour: { enum: ['red', 'green'] }, level: { oneOf: [{ const: 1, title: 'low' }, { const: 2, title: 'high' }] }, days: { type: 'array', items: { enum: ['mon', 'tue', 'wed'] } },
        names: { type: 'array', items: { type: 'string' } }, place: { $ref: '#/$defs/place' }, either: { anyOf: [{ type: 'string' }, { type: 'object' }] }, left: { type: 'string' }, region: { type: 'string', 'x-mcp-header': 'Region' },
      }, ['text', 'whole', 'flag']),
      $defs: { place: object({ city: { type: 'string' }, at: object({ x: { type: 'number' } }) }, ['city']) },
    },
  },
  {
    name: 'endless', description: 'Answers with its arguments; its schema contains itself.',
    inputSchema: { type: 'object', properties: Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map(name => [name, { $ref: '#' }])) },
  },
  { name: 'mad', description: 'Answers with its arguments; its schema is none.', inputSchema: { type: 'object', required: 7, properties: { a: null, b: { type: 7 }, c: { enum: 'x' }, d: { $ref: '#/nowhere' }, e: { type: 'array', items: 3 } } } },
  { name: 'kinds', description: 'Answers with every kind of content.', inputSchema: object({}) },
  { name: 'hold', description: 'Reports a step and never answers.', inputSchema: object({}) },
  { name: 'ask', description: 'Asks its client before it answers.', inputSchema: object({}) },
  {
    name: 'book', title: 'Book a table', description: 'Books a table, and asks before it does.',
    inputSchema: object({ place: { type: 'string', enum: ['Riga', 'Vilnius'], description: 'In which town' }, day: { type: 'string', format: 'date' }, guests: { type: 'integer', minimum: 1, maximum: 12 } }, ['place', 'guests']),
  },
  { name: 'fail', description: 'Says that it failed.', inputSchema: object({}) },
  { name: 'hostile', title: `Hostile ${hostile}`, description: hostile, inputSchema: object({ value: { type: 'string', title: hostile, description: hostile, default: hostile } }) },
];

const write = message => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const text = value => ({ content: [{ type: 'text', text: value }] });
const asked = new Map();

const questions = {
  ask: { message: `Who are you? ${hostile}`, requestedSchema: object({ name: { type: 'string' }, size: { type: 'string', enum: ['small', 'large'] } }, ['name']) },
  book: { message: 'There is one table left, at the window. In whose name?', requestedSchema: object({ name: { type: 'string' } }, ['name']) },
};

const calls = {
  say: ({ text: line }) => (process.stderr.write(`${line}\n`), text(line)),
  fields: args => ({ ...text(JSON.stringify(args)), structuredContent: args }),
  endless: args => text(JSON.stringify(args)),
  mad: args => text(JSON.stringify(args)),
  kinds: () => ({
    content: [
      { type: 'text', text: 'plain text' }, { type: 'image', data: picture, mimeType: 'image/png' }, { type: 'audio', data: sound, mimeType: 'audio/wav' },
      { type: 'resource_link', uri: 'javascript:window.owned=4', name: 'a link' }, { type: 'resource', resource: { uri: 'file:///a.txt', mimeType: 'text/plain', text: 'inside' } }, { type: 'image', data: '%%%', mimeType: 'image/png' },
    ],
  }),
  fail: () => ({ ...text('it did not work'), isError: true }),
  hostile: ({ value }) => text(`${hostile}${value ?? ''}`),
};

function call({ id, params }) {
  if (params.name === 'hold') {
    write({ method: 'notifications/progress', params: { progressToken: params._meta?.progressToken, progress: 1, total: 2, message: 'half of it' } });
  } else if (questions[params.name]) {
    const question = `q${id}`;
    asked.set(question, id);
    write({ id: question, method: 'elicitation/create', params: { mode: 'form', ...questions[params.name] } });
  } else {
    write({ id, result: calls[params.name](params.arguments ?? {}) });
  }
}

const answers = {
  initialize: ({ id }) => write({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: `odd ${hostile}`, version: '1' } } }),
  ping: ({ id }) => write({ id, result: {} }),
  'tools/list': ({ id }) => write({ id, result: { tools } }),
  'tools/call': call,
};

process.stderr.write(`${hostile}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.method) {
    if (message.id !== undefined) {
      (answers[message.method] ?? (({ id }) => write({ id, error: { code: -32601, message: 'not here' } })))(message);
    }
  } else if (asked.has(message.id)) {
    write({ id: asked.get(message.id), result: text(`answered ${JSON.stringify(message.result ?? message.error)}`) });
    asked.delete(message.id);
  }
}
