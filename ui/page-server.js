// One server: what it is, its instances, its checks, its tools, its stderr, what was changed about it.

import { actions, perform } from './actions.js';
import { get, getProbe, path, send, session } from './api.js';
import { button, facts, fill, fillChanged, h, KeyedList, RowList, setText, table } from './dom.js';
import { fleet } from './fleet-store.js';
import { adminOnly, ago, attempt, badge, reason } from './parts.js';
import { liveLines } from './lines.js';
import { allTools } from './tools.js';
import { faultTable, injectFault, rolloutTable } from './changes-parts.js';
import { count, mebibytes, moment, percent, time } from './words.js';

const PollMs = 5000;

function head(id, signal) {
    const state = badge('Initializing');
    const since = ago(null);
    const why = reason();
    const buttons = h('div', { class: 'row actions' });
    let fitting = '';
    const update = () => {
        const server = fleet.servers.get(id);
        if (!server) {
            return;
        }

        state.update(server.state);
        since.update(server.since);
        why.update(server);
        const now = actions.filter((action) => action.fits(server));
        const key = `${session.isAdmin} ${now.map((action) => action.id)}`;
        if (key !== fitting) {
            // Whoever stands on a button that stays, stays there.
            const focused = buttons.contains(document.activeElement) ? document.activeElement.textContent : null;
            fitting = key;
            fill(buttons, session.isAdmin ? now.map((action) => button(action.label, () => perform(action, fleet.servers.get(id) ?? server), { title: action.note, class: action.isBad ? 'bad' : null })) : []);
            [...buttons.children].find((one) => one.textContent === focused)?.focus();
        }
    };
    session.addEventListener('change', update, { signal });
    return { node: h('div', {}, h('p', { class: 'standing' }, state.node, h('span', {}, 'since ', since.node, ' '), why.node), buttons), update };
}

const about = (server) => facts([
    ['Title', server.title === server.id ? null : server.title], ['Type', server.type], ['Transport', server.transport], ['Calls itself', [server.serverName, server.serverVersion].filter(Boolean).join(' ')],
    ['Protocol', server.protocolVersion], ['Connected to', server.backend], ['Deployment', server.deployment], ['Owner', server.owner], ['Tags', server.tags.join(', ')], ['Own port', server.port], ['Port problem', server.portProblem],
    ['By hand', server.byHand ? [
        server.byHand.disabled === true ? 'disabled' : server.byHand.disabled === false ? 'enabled' : '', server.byHand.maintenance ? `in maintenance: ${server.byHand.maintenance}` : '',
        server.byHand.replicas ? `${server.byHand.replicas} instances` : '', server.byHand.disabledTools?.length ? `tools off: ${server.byHand.disabledTools.join(', ')}` : '',
    ].filter(Boolean).join('; ') : null],
    ['Last failure', server.lastFailure], ['Restarts', String(server.restarts)],
]);

const standing = (server) => facts([
    ['Instances', `${server.replicas} of ${server.replicasWanted}`], ['Of single clients', String(server.ownInstances)], ['Warm', String(server.warmInstances)],
    ['Calls in flight', String(server.callsInFlight)], ['Calls that wait', String(server.callsWaiting)], ['Circuit breaker', server.circuit], ['Tools with an open circuit', server.openToolCircuits.join(', ')],
    ['Asks its clients', server.isAsking ? 'yes' : 'no'],
]);

const instanceColumns = [
    { text: 'Instance' }, { text: 'State' }, { text: 'Role' }, { text: 'Process', class: 'number' }, { text: 'Memory', class: 'number' }, { text: 'Up', class: 'short' }, { text: 'Restarts', class: 'number' },
    { text: 'In flight', class: 'number' }, { text: 'Circuit' }, { text: 'Reason', class: 'grow' },
];

function instanceTable() {
    const none = h('p', { class: 'note', hidden: true }, 'No instance of it runs.');
    const { frame, body } = table('Each instance', instanceColumns);
    const rows = new RowList(body, (one) => one.id ?? `${one.role} ${one.place}`, () => {
        const state = badge('Initializing');
        const up = ago(null);
        const why = reason();
        const [id, role, process, memory, restarts, calls, circuit] = [h('th', { scope: 'row' }), h('td'), ...Array.from({ length: 4 }, () => h('td', { class: 'number' })), h('td')];
        return {
            node: h('tr', {}, id, h('td', {}, state.node), role, process, memory, h('td', { class: 'short' }, up.node), restarts, calls, circuit, h('td', { class: 'grow' }, why.node)),
            update: (now) => {
                setText(id, now.id ?? '–');
                state.update(now.state);
                setText(role, now.role);
                setText(process, now.processId ?? '–');
                setText(memory, mebibytes(now.memoryBytes));
                up.update(now.startedAt);
                setText(restarts, count(now.restarts));
                setText(calls, count(now.callsInFlight));
                setText(circuit, now.circuit);
                why.update(now);
            },
        };
    });
    return { node: h('div', {}, frame, rows.more, none), update: (all) => {
        frame.hidden = all.length === 0;
        none.hidden = all.length > 0;
        rows.show(all.map((one, place) => ({ ...one, place })));
    } };
}

function health() {
    const summary = h('p');
    const strip = h('ol', { class: 'checks', 'aria-label': 'Health checks, the oldest first' });
    const list = new KeyedList(strip, (check) => check.at, (check) => ({
        node: h('li', { class: check.isHealthy ? 'good' : 'bad', title: `${time(check.at)} ${check.kind}` }, h('span', { class: 'hidden-text' }, `${time(check.at)} ${check.isHealthy ? 'good' : `bad: ${check.reason ?? ''}`}`)),
        update: () => undefined,
    }));
    return { node: h('div', {}, summary, strip), update: (known) => {
        const last = known.lastCheck;
        setText(summary, [
            `Check: ${known.check}.`, known.availability === undefined ? 'None was made yet.' : `${percent(known.availability)} of the last ${known.checks.length} were good.`,
            last ? `The last, ${moment(last.at)}: ${last.isHealthy ? 'good' : 'bad'}, ${last.durationMs.toFixed(1)} ms${last.reason ? `, ${last.reason}` : ''}.` : '',
            known.failuresInARow > 0 ? `${known.failuresInARow} failed in a row.` : '',
        ].join(' '));
        list.show(known.checks ?? []);
    } };
}

function toolRows(id, tools) {
    const off = fleet.servers.get(id)?.byHand?.disabledTools ?? [];
    const change = (name, verb) => attempt(() => send('POST', path('servers', id, 'tools', name, verb), {}), `${name} is ${verb}d.`).then(() => fleet.read());
    return h('ul', { class: 'tools' }, [
        tools.map((tool) => h('li', {},
            h('div', {}, h('a', { href: `#/playground/${encodeURIComponent(id)}/${encodeURIComponent(tool.name)}` }, tool.name), tool.title && tool.title !== tool.name ? ` ${tool.title}` : '',
                h('p', { class: 'note clipped' }, tool.description ?? '')),
            session.isAdmin ? button('Disable', () => change(tool.name, 'disable'), { class: 'quiet', 'aria-label': `Disable ${tool.name}` }) : null)),
        off.map((name) => h('li', {}, h('div', {}, name, h('p', { class: 'note' }, 'disabled by hand')),
            session.isAdmin ? button('Enable', () => change(name, 'enable'), { class: 'quiet', 'aria-label': `Enable ${name}` }) : null)),
    ]);
}

const section = (title, ...content) => h('section', {}, h('h2', {}, title), content);

export const serverPage = {
    title: ([id]) => id ?? 'Server',
    show(root, [id], signal) {
        const gone = h('p', { hidden: true }, 'The fleet has no such server.');
        const top = head(id, signal);
        const [described, running, tools, lines, rollouts, faults] = [h('div'), h('div'), h('div'), h('div'), h('div'), h('div')];
        const checks = health();
        const each = instanceTable();
        const whole = h(
            'div', { hidden: true }, top.node,
            h('div', { class: 'columns' }, section('Server', described), section('Load', running)), section('Instances', each.node), section('Health', checks.node), section('Tools', tools),
            section('Standard error', lines),
            section('Rollouts', rollouts), section('Faults', faults));
        root.append(gone, whole);

        let shownTools = '';
        let stands = '';
        const update = () => {
            const server = fleet.servers.get(id);
            gone.hidden = Boolean(server);
            whole.hidden = !server;
            if (server) {
                fillChanged(lines, id, () => adminOnly(signal, 'What the server writes to stderr', (whileAdmin) => liveLines(id, whileAdmin)));
                top.update();
                fillChanged(described, server, () => about(server));
                fillChanged(running, server, () => standing(server));
                fillChanged(faults, [server.faults, session.isAdmin], () => [faultTable(server.faults ?? []), session.isAdmin ? button('Inject a fault', () => injectFault(server)) : null]);
                const standsNow = JSON.stringify([server.state, server.replicas, server.ownInstances, server.warmInstances, server.processId, server.restarts]);
                if (standsNow !== stands) {
                    stands = standsNow;
                    void poll();
                }

                const key = `${server.tools} ${session.isAdmin} ${server.byHand?.disabledTools} ${server.state}`;
                if (key !== shownTools) {
                    shownTools = key;
                    void attempt(async () => fill(tools, toolRows(id, await allTools(id, signal))));
                }
            }
        };
        const poll = async () => {
            if (!document.hidden && fleet.servers.has(id)) {
                try {
                    each.update((await get(path('servers', id, 'instances'), signal)).instances);
                    checks.update(await getProbe(`${path('servers', id, 'health')}?depth=history`, signal));
                    const known = (await get(path('servers', id, 'rollouts'), signal)).rollouts;
                    fillChanged(rollouts, [known, session.isAdmin], () => rolloutTable(known));
                } catch (error) {
                    // While Fairlead does not answer, the banner says so; a server that has just left the fleet is told of by its events.
                    if (signal.aborted || error instanceof TypeError || error.title === 'ServerNotFound') {
                        return;
                    }

                    throw error;
                }
            }
        };
        fleet.follow(update, signal);
        session.addEventListener('change', update, { signal });
        const timer = setInterval(poll, PollMs);
        signal.addEventListener('abort', () => clearInterval(timer));
        void (fleet.isKnown ? Promise.resolve() : fleet.read()).then(poll);
    },
};
