// Calls a tool with a form made from its schema, shows its progress, answers its questions, shows its result.

import { told } from './api.js';
import { allTools } from './tools.js';
import { button, field, fill, h, select, setOptions, setText } from './dom.js';
import { fleet } from './fleet-store.js';
import { callTool } from './mcp-call.js';
import { attempt } from './parts.js';
import { outside, showResult } from './result.js';
import { FormError, parse, schemaForm } from './schema-form.js';

/** Arguments as a form, or as JSON. */
function argumentsOf(tool) {
    const form = schemaForm(tool.inputSchema?.type === 'object' && !tool.inputSchema.properties ? { ...tool.inputSchema, properties: {} } : tool.inputSchema);
    const text = h('textarea', { rows: 8, class: 'code', spellcheck: 'false' });
    const raw = h('div', { hidden: true }, field('Arguments, as JSON', text));
    const box = h('input', { type: 'checkbox', id: 'as-json', onchange: () => {
        if (box.checked) {
            try {
                text.value = JSON.stringify(form.read() ?? {}, null, 2);
            } catch (error) {
                // What was typed so far is no whole value yet; the text begins empty.
                text.value = error instanceof FormError ? '{}' : text.value;
            }
        }

        // What is disabled need not be valid.
        fields.hidden = fields.disabled = box.checked;
        raw.hidden = !box.checked;
    } });
    const fields = h('fieldset', { class: 'plain' }, h('legend', { class: 'hidden-text' }, 'Arguments'), form.node);
    return { node: h('div', {}, fields, raw, h('div', { class: 'tick' }, box, h('label', { for: box.id }, 'as JSON'))), read: () => box.checked ? parse(text, 'The arguments') : form.read() ?? {} };
}

/** Puts one question to whoever sits here; gives { action, content }. */
function question({ params }, into, signal) {
    return new Promise((resolve, reject) => {
        const isPage = params.mode === 'url';
        const form = isPage ? null : schemaForm(params.requestedSchema ?? {});
        const problem = h('p', { role: 'alert' });
        const done = (answer) => {
            node.remove();
            resolve(answer);
        };
        const node = h(
            'form', {
                class: 'question', onsubmit: (event) => {
                    event.preventDefault();
                    try {
                        done(isPage ? { action: 'accept' } : { action: 'accept', content: form.read() ?? {} });
                    } catch (error) {
                        setText(problem, error.message);
                    }
                },
            },
            h('h3', { tabindex: '-1' }, 'The server asks'), h('p', {}, params.message), isPage ? h('p', {}, 'It wants you to visit ', outside(params.url ?? '')) : form.node, problem,
            h('div', { class: 'row' }, h('button', { type: 'submit', class: 'main' }, isPage ? 'I have been there' : 'Answer'), button('Decline', () => done({ action: 'decline' })), button('Cancel', () => done({ action: 'cancel' }), { class: 'quiet' })));
        signal.addEventListener('abort', () => {
            node.remove();
            reject(signal.reason);
        });
        into.append(node);
        node.querySelector('h3').focus();
    });
}

async function answer(requests, into, signal) {
    const answers = {};
    for (const [key, request] of Object.entries(requests)) {
        // Nothing else was declared, so nothing else may be asked.
        answers[key] = request.method === 'elicitation/create' ? await question(request, into, signal) : { action: 'cancel' };
    }

    return answers;
}

/** The part of the page that belongs to one tool. */
function workbench(server, tool, signal) {
    const args = argumentsOf(tool);
    const [asked, outcome] = [h('div'), h('section', { 'aria-label': 'Result', tabindex: '-1' })];
    const bar = h('progress', { 'aria-label': 'Progress', hidden: true });
    const said = h('p', { class: 'note', role: 'status' });

    // Steps may come fast: they are shown, and not read out one by one.
    const step = h('p', { class: 'note' });
    let running = null;
    let shown = null;
    const run = h('button', { type: 'submit', class: 'main' }, 'Call');
    const cancel = button('Cancel the call', () => running?.abort(), { hidden: true });
    const call = async () => {
        running = new AbortController();
        shown?.abort();
        shown = new AbortController();
        const until = AbortSignal.any([running.signal, signal]);
        run.disabled = true;
        cancel.hidden = false;
        fill(outcome);
        setText(said, 'Calling …');
        setText(step, '');
        const begun = performance.now();
        try {
            const result = await callTool({
                server, tool, args: args.read(), signal: until, onQuestions: (requests, ends) => answer(requests, asked, ends),
                onProgress: ({ progress, total, message }) => {
                    bar.hidden = false;
                    bar.value = progress;
                    bar.max = total ?? progress + 1;
                    setText(step, `Step ${progress}${total ? ` of ${total}` : ''}${message ? `: ${message}` : ''}`);
                },
            });
            setText(said, `Answered after ${Math.round(performance.now() - begun)} ms.`);
            fill(outcome, h('h2', {}, 'Result'), showResult(result, AbortSignal.any([shown.signal, signal])));
        } catch (error) {
            setText(said, until.aborted ? 'Cancelled.' : '');
            if (!until.aborted) {
                fill(outcome, h('h2', {}, 'Result'), h('p', { class: 'verdict bad', role: 'alert' }, told(error)));
            }
        } finally {
            running = null;
            bar.hidden = true;
            run.disabled = false;
            cancel.hidden = true;
        }
    };
    return h(
        'div', {}, h('h2', {}, tool.title ?? tool.name), h('p', { class: 'description' }, tool.description ?? ''),
        h('form', { onsubmit: (event) => {
            event.preventDefault();
            void call();
        } }, args.node, h('div', { class: 'row' }, run, cancel)),
        bar, step, said, asked, outcome,
        h('details', {}, h('summary', {}, 'Definition'), h('pre', { class: 'code', tabindex: '0' }, JSON.stringify(tool, null, 2))));
}

export const playgroundPage = {
    title: () => 'Playground',
    show(root, [wantedServer, wantedTool], signal) {
        const bench = h('div');
        const servers = select([['', 'choose a server']], '', choose);
        const tools = select([['', 'choose a tool']], '', pick);
        let known = [];
        let open = null;
        let isBegun = false;
        root.append(h('div', { class: 'row' }, field('Server', servers), field('Tool', tools)), bench);
        fleet.follow(() => {
            setOptions(servers, [['', 'choose a server'], ...fleet.list.map((server) => [server.id, `${server.id} (${server.state}, ${server.tools} tools)`])], servers.value || wantedServer);
            if (!isBegun && wantedServer && servers.value === wantedServer) {
                isBegun = true;
                void choose(wantedServer, wantedTool);
            }
        }, signal);

        async function choose(server, tool = '') {
            known = [];
            setOptions(tools, [['', 'choose a tool']], '');
            pick('');
            if (server) {
                await attempt(async () => {
                    known = await allTools(server, signal);
                    if (servers.value === server) {
                        setOptions(tools, [['', known.length === 0 ? 'it has no tool' : 'choose a tool'], ...known.map((one) => [one.name, one.name])], tool);
                        pick(tools.value);
                    }
                });
            }
        }

        function pick(name) {
            open?.abort();
            open = new AbortController();
            const tool = known.find((one) => one.name === name);
            fill(bench, tool ? workbench(servers.value, tool, AbortSignal.any([open.signal, signal])) : null);
        }
    },
};
