// Builds elements. Text comes from servers that nobody vouches for, so it only ever becomes text nodes and attributes: there is no way from here to markup.

/** Makes an element. Names that begin with "on" are listeners; null, undefined and false leave an attribute out. */
export function h(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties ?? {})) {
        if (name.startsWith('on')) {
            element.addEventListener(name.slice(2), value);
        } else if (value !== null && value !== undefined && value !== false) {
            element.setAttribute(name, value === true ? '' : String(value));
        }
    }

    append(element, children);
    return element;
}

/** Appends nodes, texts and lists of them; null and undefined are left out. */
export function append(element, children) {
    for (const child of children.flat(Infinity)) {
        if (child !== null && child !== undefined && child !== false) {
            element.append(child instanceof Node ? child : String(child));
        }
    }
}

/** Puts these in the place of all that an element holds. */
export function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
}

/** Sets the text of an element, unless it has it: what does not change is neither laid out nor read out again. */
export function setText(element, text) {
    const wanted = text === null || text === undefined ? '' : String(text);
    if (element.textContent !== wanted) {
        element.textContent = wanted;
    }
}

/** Fills an element when what it shows (key: any value) is other than the last time: what is as it was keeps its place, its focus and its selection. */
export function fillChanged(element, key, build) {
    const text = JSON.stringify(key) ?? '';
    if (filled.get(element) !== text) {
        filled.set(element, text);
        fill(element, build());
    }
}

const filled = new WeakMap();

/** Children of one element, one for each item, which keep their place in the document (and the focus) as long as their item is there. */
export class KeyedList {
    #container;
    #key;
    #create;
    #rows = new Map();

    /** create(item) gives { node, update(item) }. */
    constructor(container, key, create) {
        this.#container = container;
        this.#key = key;
        this.#create = create;
    }

    show(items) {
        const focused = this.#container.contains(document.activeElement) ? document.activeElement : null;
        const rows = new Map();
        let at = this.#container.firstChild;
        for (const item of items) {
            const key = this.#key(item);
            const row = this.#rows.get(key) ?? this.#create(item);
            row.update(item);
            rows.set(key, row);
            if (row.node === at) {
                at = at.nextSibling;
            } else {
                this.#container.insertBefore(row.node, at);
            }
        }

        for (const [key, row] of this.#rows) {
            if (!rows.has(key)) {
                row.node.remove();
            }
        }

        this.#rows = rows;
        if (focused !== document.activeElement && focused?.isConnected) {
            // What is moved loses the focus.
            focused.focus({ preventScroll: true });
        }
    }
}

const RowsMax = 100;

/** As KeyedList, for rows that may be many: the first hundred, and all of them once somebody has asked for them. */
export class RowList extends KeyedList {
    #isWhole = false;
    #items = [];

    /** Belongs below the rows. */
    more = button('', () => {
        this.#isWhole = true;
        this.show(this.#items);
    }, { hidden: true });

    show(items) {
        this.#items = items;
        this.more.hidden = this.#isWhole || items.length <= RowsMax;
        setText(this.more, `Show all ${items.length}`);
        super.show(this.#isWhole ? items : items.slice(0, RowsMax));
    }
}

/** A table in a frame that scrolls by itself, so that the page never does sideways. columns: [{ text, class, sort }]. */
export function table(label, columns, onSort, isWide = false) {
    const body = h('tbody');
    const heads = columns.map((column) => h(
        'th', { scope: 'col', class: column.class },
        column.sort ? h('button', { type: 'button', class: 'sort', onclick: () => onSort(column.sort) }, column.text) : column.text));
    const frame = h(
        'div', { class: isWide ? 'frame wide' : 'frame', role: 'region', 'aria-label': label, tabindex: '0' },
        h('table', {}, h('caption', { class: 'hidden-text' }, label), h('thead', {}, h('tr', {}, heads)), body));
    const showSort = (key, isDown) => columns.forEach((column, i) => {
        if (column.sort === key) {
            heads[i].setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
        } else {
            heads[i].removeAttribute('aria-sort');
        }
    });
    return { frame, body, showSort };
}

/** A list of names and what belongs to them; what is null or empty is left out. */
export function facts(pairs) {
    return h('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

/** A field with its label. */
export function field(label, control, note) {
    control.id ||= `f${++fields}`;
    const noteNode = note ? h('small', { id: `${control.id}-note` }, note) : null;
    if (noteNode) {
        control.setAttribute('aria-describedby', noteNode.id);
    }

    return h('div', { class: 'field' }, h('label', { for: control.id }, label), control, noteNode);
}

let fields = 0;

/** A selection. options: texts, or [value, text]. */
export function select(options, value, onchange) {
    const element = h('select', { onchange: () => onchange?.(element.value) });
    setOptions(element, options, value);
    return element;
}

/** Gives a selection other options; what is chosen stays chosen where it can. */
export function setOptions(element, options, value = element.value) {
    const pairs = options.map((option) => Array.isArray(option) ? option : [option, option]);
    if (pairs.length === element.length && pairs.every(([key, text], i) => element.options[i].value === key && element.options[i].text === text)) {
        return;
    }

    fill(element, pairs.map(([key, text]) => h('option', { value: key }, text)));
    element.value = pairs.some(([key]) => key === value) ? value : pairs[0]?.[0] ?? '';
}

/** A button. */
export const button = (text, onclick, properties) => h('button', { type: 'button', onclick, ...properties }, text);
