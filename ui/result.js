// The result of a tool, each kind of content in its own way. Nothing of it is markup, and no address in it is opened by itself.

import { facts, h } from './dom.js';

function bytesOf(base64) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
        bytes[i] = text.charCodeAt(i);
    }

    return bytes;
}

/** An address for bytes that lives as long as the signal lets it. */
function addressOf(base64, type, signal) {
    const address = URL.createObjectURL(new Blob([bytesOf(base64)], { type }));
    signal.addEventListener('abort', () => URL.revokeObjectURL(address));
    return address;
}

/** A link to a page elsewhere, which only whoever clicks on it opens; what is no web address stays text. */
export const outside = (address) => /^https?:\/\//i.test(address) ? h('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, address) : h('code', {}, address);

const pre = (text) => h('pre', { class: 'code', tabindex: '0' }, text);

const json = (value) => pre(JSON.stringify(value, null, 2));

function block(content, signal) {
    switch (content.type) {
        case 'text':
            return pre(content.text);
        case 'image':
            return h('img', { src: addressOf(content.data, content.mimeType, signal), alt: `Picture of the tool (${content.mimeType})` });
        case 'audio':
            return h('audio', { controls: true, src: addressOf(content.data, content.mimeType, signal), 'aria-label': `Sound of the tool (${content.mimeType})` });
        case 'resource_link':
            return facts([['Resource', outside(content.uri)], ['Name', content.title ?? content.name], ['Description', content.description], ['Type', content.mimeType]]);
        case 'resource':
            return [facts([['Resource', outside(content.resource.uri)], ['Type', content.resource.mimeType]]),
                content.resource.text === undefined ? h('p', {}, `${bytesOf(content.resource.blob ?? '').length} bytes`) : pre(content.resource.text)];
        default:
            return json(content);
    }
}

/** Shows a result. */
export function showResult(result, signal) {
    const content = (result.content ?? []).map((one) => {
        try {
            return h('li', {}, h('span', { class: 'kind' }, one.type), block(one, signal));
        } catch (error) {
            // What a server calls a picture need not be one.
            return h('li', {}, h('span', { class: 'kind' }, one.type), h('p', { class: 'bad' }, `This cannot be shown: ${error.message}`), json(one));
        }
    });
    return h(
        'div', {},
        h('p', { class: result.isError ? 'verdict bad' : 'verdict good' }, result.isError ? 'The tool says that it failed.' : 'The tool has answered.'),
        content.length > 0 ? h('ul', { class: 'contents' }, content) : null,
        result.structuredContent === undefined ? null : [h('h3', {}, 'Structured content'), json(result.structuredContent)],
        h('details', {}, h('summary', {}, 'Raw'), json(result)));
}
