// Calls a tool at the server's own MCP endpoint, in the revision 2026-07-28: over the REST API nobody could answer the questions of a server.

import { Problem, streamEvents } from './api.js';

const Revision = '2026-07-28';
const RoundsMax = 10;

// The codes that Fairlead's own errors of a call have.
const OwnCodes = [-32603, -32602];

let lastId = 0;

/** A value as a header carries it. */
function headerValue(value) {
    const text = String(value);
    return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/i.test(text)
        ? text : `=?base64?${btoa(String.fromCharCode(...new TextEncoder().encode(text)))}?=`;
}

/** Arguments that the schema wants in headers, too (x-mcp-header). */
function parameterHeaders(schema, value, headers = {}) {
    for (const [name, part] of Object.entries(schema?.properties ?? {})) {
        const own = value?.[name];
        if (own !== undefined && own !== null) {
            if (part?.['x-mcp-header']) {
                headers[`Mcp-Param-${part['x-mcp-header']}`] = headerValue(own);
            } else if (part?.properties) {
                parameterHeaders(part, own, headers);
            }
        }
    }

    return headers;
}

async function round(server, tool, args, more, onProgress, signal) {
    const id = ++lastId;
    const answer = await fetch(`/mcp/${encodeURIComponent(server)}`, {
        method: 'POST', signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
        headers: {
            'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', 'MCP-Protocol-Version': Revision, 'Mcp-Method': 'tools/call', 'Mcp-Name': headerValue(tool.name),
            ...parameterHeaders(tool.inputSchema, args),
        },
        body: JSON.stringify({
            jsonrpc: '2.0', id, method: 'tools/call',
            params: {
                name: tool.name, arguments: args, ...more,
                _meta: {
                    'io.modelcontextprotocol/protocolVersion': Revision, 'io.modelcontextprotocol/clientInfo': { name: 'fairlead-dashboard', version: '1' },
                    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {}, url: {} } }, progressToken: id,
                },
            },
        }),
    });
    const message = (answer.headers.get('Content-Type') ?? '').startsWith('text/event-stream') ? await last(answer.body, id, onProgress) : await answer.json();
    if (message.error) {
        throw failure(answer, message.error);
    }

    if (!message.result) {
        throw new Problem(answer.status, message.title ?? `HTTP ${answer.status}`, message.detail ?? 'The answer holds no result.');
    }

    return message.result;
}

/** The word of an error: that of Fairlead's own; what a server answered is its tool's failure, and what is left was no call at all. */
function failure(answer, { code, message, data }) {
    const word = OwnCodes.includes(code) && typeof data?.error === 'string' ? data.error : null;
    return new Problem(answer.status, word ?? (answer.ok ? 'ToolFailed' : 'InvalidRequest'), word ? message : `${message} (JSON-RPC error ${code})`);
}

async function last(body, id, onProgress) {
    for await (const { data } of streamEvents(body)) {
        const message = JSON.parse(data);
        if (message.id === id && !message.method) {
            return message;
        }

        if (message.method === 'notifications/progress') {
            onProgress(message.params);
        }
    }

    throw new Problem(0, 'ConnectionFailed', 'The connection ended before the answer came.');
}

/** Calls a tool; onQuestions(requests) gives the answers by key whenever the server asks. Gives the result. */
export async function callTool({ server, tool, args, onProgress, onQuestions, signal }) {
    let more = {};
    for (let i = 0; i < RoundsMax; i++) {
        const result = await round(server, tool, args, more, onProgress, signal);
        if (result.resultType !== 'input_required') {
            return result;
        }

        more = { inputResponses: await onQuestions(result.inputRequests ?? {}, signal) };
        if (result.requestState !== undefined) {
            more.requestState = result.requestState;
        }
    }

    throw new Problem(0, 'TooManyRounds', `The server asked more than ${RoundsMax} times.`);
}
