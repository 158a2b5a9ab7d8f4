// The tools of a server, page by page.

import { get, path } from './api.js';

const ToolsMax = 2000;

/** All tools of a server that clients see. */
export async function allTools(server, signal) {
    const tools = [];
    for (let cursor = ''; cursor !== undefined && tools.length < ToolsMax;) {
        const page = await get(`${path('servers', server, 'tools')}${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`, signal);
        tools.push(...page.tools);
        cursor = page.nextCursor;
    }

    return tools;
}
