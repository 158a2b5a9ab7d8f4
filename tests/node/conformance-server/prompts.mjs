// The prompts of the suite's contract and their argument completion.
import { redPixelPng } from './media.mjs';
import { acceptedContent, completable, inputRequired, z } from './packages.mjs';

const completions = ['testValue1', 'testValue2', 'texture', 'paris', 'park'];
const completed = description => completable(z.string().describe(description), value => completions.filter(candidate => candidate.startsWith(value)));
const context = z.object({ context: z.string() });
const user = (...blocks) => ({ messages: blocks.map(content => ({ role: 'user', content })) });
const words = text => ({ type: 'text', text });

/** Gives the prompt that comes and goes. */
export const registerPrompts = server => {
  const simple = (name, description) => server.registerPrompt(name, { description }, () => user(words('This is a simple prompt for testing.')));
  simple('test_simple_prompt', 'A prompt without arguments');
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'A prompt with two arguments', argsSchema: z.object({ arg1: completed('First test argument'), arg2: completed('Second test argument') }) },
    ({ arg1, arg2 }) => user(words(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)));
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'A prompt that embeds a resource', argsSchema: z.object({ resourceUri: z.string().describe('URI of the resource to embed') }) },
    ({ resourceUri }) => user(
      { type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } },
      words('Please process the embedded resource above.')));
  server.registerPrompt(
    'test_prompt_with_image',
    { description: 'A prompt that holds an image' },
    () => user({ type: 'image', data: redPixelPng, mimeType: 'image/png' }, words('Please analyze the image above.')));
  server.registerPrompt('test_input_required_result_prompt', { description: 'A prompt that asks its user first' }, ctx => {
    const answer = acceptedContent(ctx.mcpReq.inputResponses, 'user_context', context)?.context;
    return answer === undefined
      ? inputRequired({ inputRequests: { user_context: inputRequired.elicit({ message: 'What context should the prompt use?', requestedSchema: context }) } })
      : user(words(`Use this context: ${answer}`));
  });
  return simple('test_added_prompt', 'Comes and goes');
};
