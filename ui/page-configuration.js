// How the last load went, what is in force, and what another text would be.

import { get, path, send } from './api.js';
import { button, facts, field, fill, h, table } from './dom.js';
import { events } from './events.js';
import { adminOnly, attempt } from './parts.js';
import { moment } from './words.js';

/** Errors or warnings, each with the way to mend it. */
function findings(label, found) {
    const { frame, body } = table(label, [{ text: 'Line', class: 'number' }, { text: 'Key' }, { text: 'Value' }, { text: 'Rule', class: 'grow' }, { text: 'Fix', class: 'grow' }]);
    body.append(...found.map((one) => h(
        'tr', {}, h('td', { class: 'number' }, one.line), h('th', { scope: 'row' }, one.key || 'the whole'), h('td', {}, h('code', {}, one.value)), h('td', { class: 'grow' }, one.rule), h('td', { class: 'grow' }, one.fix))));
    return [h('h3', {}, label), frame];
}

const verdict = (isGood, words) => h('p', { class: isGood ? 'verdict good' : 'verdict bad' }, words);

const shown = (status) => [
    verdict(status.valid, status.valid ? 'The last load was good.' : 'The last load was refused; what was in force before still is.'),
    facts([
        ['File', status.file ?? 'none: the default fleet'], ['Loaded', moment(status.at)], ['Because of', status.cause],
        ['Added', status.differences?.added.join(', ')], ['Removed', status.differences?.removed.join(', ')], ['Changed', status.differences?.changed.join(', ')],
        ['Failed', status.differences?.failed.map((one) => `${one.id}: ${one.reason}`).join('; ')], ['In force only after a restart', status.differences?.needRestart.join(', ')],
    ]),
    status.errors.length > 0 ? findings('Errors', status.errors) : null,
    status.warnings.length > 0 ? findings('Warnings', status.warnings) : null,
];

const judged = (result) => [
    verdict(result.valid, result.valid ? `Good: ${result.servers} servers.` : `${result.errors.length} ${result.errors.length === 1 ? 'error' : 'errors'}.`),
    Object.entries(result.missingVariables).map(([server, variables]) => h('p', {}, `${server} would wait for ${variables.join(', ')}.`)),
    result.errors.length > 0 ? findings('Errors of this text', result.errors) : null,
    result.warnings.length > 0 ? findings('Warnings of this text', result.warnings) : null,
];

function build(signal) {
    const status = h('div');
    const inForce = h('pre', { class: 'code', tabindex: '0', role: 'region', 'aria-label': 'The configuration in force' });
    const outcome = h('div', { 'aria-live': 'polite' });
    const text = h('textarea', { rows: 12, spellcheck: 'false', class: 'code' });
    const read = () => attempt(async () => {
        const [how, what] = await Promise.all([get(path('configuration', 'status'), signal), get(path('configuration'), signal)]);
        fill(status, shown(how));
        inForce.textContent = JSON.stringify(what.configuration, null, 2);
    });
    const reload = () => attempt(async () => {
        try {
            await send('POST', path('configuration', 'reload'), {}, signal);
        } finally {
            await read();
        }
    }, 'The configuration was loaded again.');
    const validate = () => attempt(async () => fill(outcome, judged(await send('POST', path('configuration', 'validate'), { text: text.value }, signal))));
    events.subscribe(['configuration'], read, signal);
    void read();
    return [
        h('section', {}, h('h2', {}, 'Last load'), status, h('div', { class: 'row' }, button('Reload', reload))),
        h('section', {}, h('h2', {}, 'In force'), h('p', { class: 'note' }, 'What differs from the defaults, in Fairlead’s own format; secrets are REDACTED.'), inForce),
        h('section', {}, h('h2', {}, 'Validate'), field('A configuration, as its file would hold it', text, 'Nothing is changed by it.'),
            h('div', { class: 'row' }, button('Validate', validate, { class: 'main' }), button('Take what is in force', () => {
                text.value = inForce.textContent;
            })), outcome),
    ];
}

export const configurationPage = {
    title: () => 'Configuration',
    show(root, parameters, signal) {
        root.append(adminOnly(signal, 'The configuration', build));
    },
};
