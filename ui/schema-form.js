// A form for what a JSON schema describes. What no form can be made for is written as JSON.

import { button, field, h } from './dom.js';

const DepthMax = 5;
const FieldsMax = 300;

/** Says which value cannot be used; its control has the focus. */
export class FormError extends Error {}

/** Gives { node, read() }: read gives undefined for what was left out, and throws FormError. A schema that is none gives a field for JSON. */
export function schemaForm(schema) {
    const whole = { root: schema, left: FieldsMax };
    try {
        return part(whole, schema, 'value', true, 0);
    } catch (error) {
        if (error instanceof TypeError) {
            // Servers write schemas as they like: one that cannot be followed is no reason to show nothing.
            return jsonField({ known: {}, name: 'value', label: 'The value', isRequired: false });
        }

        throw error;
    }
}

/** One value of the whole, which counts its fields: a schema may contain itself. */
function part(whole, schema, name, isRequired, depth) {
    const known = resolve(schema ?? {}, whole.root);
    const label = known.title ? `${known.title} (${name})` : name;
    const one = { known, whole, name, isRequired, depth, label: isRequired ? `${label} *` : label, note: known.description };
    const choices = choicesOf(known, whole.root);
    if (choices) {
        return choiceField(one, choices);
    }

    const type = typeOf(known);
    if (depth > DepthMax || !type) {
        return jsonField(one);
    }

    switch (type) {
        case 'boolean': return choiceField(one, [[true, 'true'], [false, 'false']]);
        case 'integer':
        case 'number': return numberField(one, type);
        case 'string': return stringField(one);
        case 'array': return known.items && !Array.isArray(known.items) ? arrayField(one) : jsonField(one);
        case 'object': return known.properties && (whole.left -= Object.keys(known.properties).length) >= 0 ? objectFields(one) : jsonField(one);
        default: return jsonField(one);
    }
}

function resolve(schema, root) {
    let now = schema === true || schema === false ? {} : schema;
    for (let i = 0; i < 8 && typeof now.$ref === 'string' && now.$ref.startsWith('#'); i++) {
        const found = now.$ref.slice(1).split('/').filter(Boolean).reduce((at, part) => at?.[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')], root);
        now = found ? { ...found, ...Object.fromEntries(Object.entries(now).filter(([key]) => key !== '$ref')) } : {};
    }

    return now;
}

/** The one type beside null; undefined when there are several or none, or when it is one of several schemas. */
function typeOf(schema) {
    if (schema.oneOf || schema.anyOf || schema.allOf || schema.not || schema.$ref) {
        return undefined;
    }

    const types = [schema.type ?? (schema.properties ? 'object' : [])].flat().filter((type) => type !== 'null');
    return types.length === 1 ? types[0] : undefined;
}

/** Values to choose among, as [value, text]. */
function choicesOf(schema, root) {
    if (Array.isArray(schema.enum)) {
        return schema.enum.map((value, i) => [value, schema.enumNames?.[i] ?? text(value)]);
    }

    const several = (schema.oneOf ?? schema.anyOf)?.map((part) => resolve(part, root));
    return 'const' in schema ? [[schema.const, text(schema.const)]] : several?.every((part) => 'const' in part) ? several.map((part) => [part.const, part.title ?? text(part.const)]) : undefined;
}

const text = (value) => typeof value === 'string' ? value : JSON.stringify(value);

function choiceField(one, choices) {
    const given = choices.findIndex(([value]) => JSON.stringify(value) === JSON.stringify(one.known.default));
    const element = h('select', { required: one.isRequired }, h('option', { value: '' }, one.isRequired ? 'choose' : 'left out'), choices.map(([, label], i) => h('option', { value: i, selected: i === given }, label)));
    return { node: field(one.label, element, one.note), read: () => element.value === '' ? undefined : choices[Number(element.value)][0] };
}

function numberField(one, type) {
    const { known } = one;
    const element = h('input', {
        type: 'number', required: one.isRequired, step: type === 'integer' ? 1 : 'any', min: known.minimum ?? known.exclusiveMinimum, max: known.maximum ?? known.exclusiveMaximum, value: known.default,
    });
    return { node: field(one.label, element, one.note), read: () => element.value === '' ? undefined : Number(element.value) };
}

const inputs = { date: 'date', email: 'email', uri: 'url' };

function stringField(one) {
    const { known } = one;
    const rules = { required: one.isRequired && known.minLength !== 0, minlength: known.minLength, maxlength: known.maxLength };
    const element = inputs[known.format] ? h('input', { type: inputs[known.format], ...rules, value: known.default }) : h('textarea', { rows: 1, ...rules, spellcheck: 'false' }, known.default ?? '');
    return { node: field(one.label, element, one.note), read: () => element.value === '' && !one.isRequired ? undefined : element.value };
}

function jsonField(one) {
    const element = h('textarea', { rows: 3, class: 'code', spellcheck: 'false', required: one.isRequired }, one.known.default === undefined ? '' : JSON.stringify(one.known.default));
    return { node: field(`${one.label}, as JSON`, element, one.note), read: () => element.value.trim() === '' ? undefined : parse(element, one.name) };
}

/** The value of a text area of JSON. */
export function parse(element, name) {
    try {
        return JSON.parse(element.value);
    } catch (error) {
        element.focus();
        throw new FormError(`${name} is no JSON: ${error.message}`);
    }
}

function arrayField(one) {
    const items = resolve(one.known.items, one.whole.root);
    const choices = choicesOf(items, one.whole.root);
    if (choices) {
        const boxes = choices.map(([value, label]) => [value, label, h('input', { type: 'checkbox', checked: one.known.default?.includes(value) })]);
        const node = h('fieldset', {}, h('legend', {}, one.label), one.note ? h('p', { class: 'note' }, one.note) : null, boxes.map(([, label, box]) => h('label', { class: 'tick' }, box, label)));
        return { node, read: () => {
            const chosen = boxes.filter(([, , box]) => box.checked).map(([value]) => value);
            return chosen.length === 0 && !one.isRequired ? undefined : chosen;
        } };
    }

    const rows = [];
    const list = h('div', { class: 'items' });
    const add = (value) => {
        const item = part(one.whole, value === undefined ? items : { ...items, default: value }, `${one.name} ${rows.length + 1}`, true, one.depth + 1);
        const row = { item, node: h('div', { class: 'item' }, item.node, button('Remove', () => {
            rows.splice(rows.indexOf(row), 1);
            row.node.remove();
            more.focus();
        }, { class: 'quiet', 'aria-label': `Remove ${one.name} ${rows.length + 1}` })) };
        rows.push(row);
        list.append(row.node);
        return row;
    };
    const more = button('Add', () => add().node.querySelector('input, select, textarea, button')?.focus(), { 'aria-label': `Add to ${one.name}` });
    (Array.isArray(one.known.default) ? one.known.default : []).forEach(add);
    const node = h('fieldset', {}, h('legend', {}, one.label), one.note ? h('p', { class: 'note' }, one.note) : null, list, more);
    return { node, read: () => rows.length === 0 && !one.isRequired ? undefined : rows.map((row) => row.item.read()) };
}

function objectFields(one) {
    const { known } = one;
    const parts = Object.entries(known.properties).map(([name, schema]) => {
        const value = known.default?.[name];
        return [name, part(one.whole, value === undefined ? schema : { ...resolve(schema, one.whole.root), default: value }, name, one.isRequired && (known.required ?? []).includes(name), one.depth + 1)];
    });
    const read = () => {
        const value = {};
        for (const [name, field] of parts) {
            const own = field.read();
            if (own !== undefined) {
                value[name] = own;
            }
        }

        return Object.keys(value).length === 0 && !one.isRequired ? undefined : value;
    };
    const nodes = parts.map(([, field]) => field.node);
    return { node: one.depth === 0 ? h('div', {}, nodes) : h('fieldset', {}, h('legend', {}, one.label), one.note ? h('p', { class: 'note' }, one.note) : null, nodes), read };
}
