// Tools that ask the client's model or user once. Written once for both eras: the SDK turns what they ask into requests to a client of 2025-11-25.
import { text } from './content-tools.mjs';
import { fromJsonSchema, inputRequired, inputResponse } from './packages.mjs';

const contactForm = {
  type: 'object',
  properties: { username: { type: 'string', description: "User's response" }, email: { type: 'string', description: "User's email address" } },
  required: ['username', 'email'],
};

// SEP-1034: a default for every primitive type.
const defaultsForm = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'User name', default: 'John Doe' },
    age: { type: 'integer', description: 'User age', default: 30 },
    score: { type: 'number', description: 'User score', default: 95.5 },
    status: { type: 'string', description: 'User status', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', description: 'Verification status', default: true },
  },
  required: [],
};

// SEP-1330: all five ways to write an enumeration.
const options = ['option1', 'option2', 'option3'];
const titled = kind => ['First', 'Second', 'Third'].map((word, at) => ({ const: `value${at + 1}`, title: `${word} ${kind}` }));
const enumsForm = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: options },
    titledSingle: { type: 'string', oneOf: titled('Option') },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
    titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
  },
  required: [],
};

/** A question to the client's model with one user message. */
export const sampling = (prompt, maxTokens) => inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens });

/** The text of the model's answer, whose content is one block or a list of them; undefined when there is none. */
export const sampledText = (ctx, key) => {
  const view = inputResponse(ctx.mcpReq.inputResponses, key);
  return view.kind === 'sampling' ? [view.result.content].flat()[0]?.text : undefined;
};

const elicit = (ctx, message, requestedSchema, prefix) => {
  const view = inputResponse(ctx.mcpReq.inputResponses, 'answer');
  return view.kind === 'elicit'
    ? text(`${prefix}: action=${view.action}, content=${JSON.stringify(view.content ?? {})}`)
    : inputRequired({ inputRequests: { answer: inputRequired.elicit({ message, requestedSchema }) } });
};

const oneText = (name, description) => fromJsonSchema({ type: 'object', properties: { [name]: { type: 'string', description } }, required: [name] });

export const registerQuestionTools = server => {
  server.registerTool('test_sampling', { description: "Asks the client's model", inputSchema: oneText('prompt', 'The prompt to send to the model') }, ({ prompt }, ctx) => {
    const answer = sampledText(ctx, 'answer');
    return answer === undefined ? inputRequired({ inputRequests: { answer: sampling(prompt, 100) } }) : text(`LLM response: ${answer}`);
  });
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user for a name and an address', inputSchema: oneText('message', 'The message to show the user') },
    ({ message }, ctx) => elicit(ctx, message, contactForm, 'User response'));
  server.registerTool(
    'test_elicitation_sep1034_defaults',
    { description: 'Asks with a default for every primitive type' },
    ctx => elicit(ctx, 'Please review the defaults', defaultsForm, 'Elicitation completed'));
  server.registerTool(
    'test_elicitation_sep1330_enums',
    { description: 'Asks with every form of enumeration' },
    ctx => elicit(ctx, 'Please choose', enumsForm, 'Elicitation completed'));
};
