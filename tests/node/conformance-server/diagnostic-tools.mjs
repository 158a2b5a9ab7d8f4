// Tools that make the server show how it treats capabilities, streams, logs and changing lists.
import { setTimeout as delay } from 'node:timers/promises';
import { progress, text } from './content-tools.mjs';
import { acceptedContent, inputRequired, z } from './packages.mjs';
import { sampledText, sampling } from './question-tools.mjs';

const named = z.object({ name: z.string() });

/** Gives the tool that comes and goes. */
export const registerDiagnosticTools = (server, fixture) => {
  // Asking is the need: the SDK refuses a question of which the client has not said that it can be answered.
  server.registerTool('test_missing_capability', { description: 'Needs a client that declares sampling' }, ctx =>
    sampledText(ctx, 'proof') === undefined ? inputRequired({ inputRequests: { proof: sampling('Say yes.', 10) } }) : text('The client declares sampling'));

  // 2026-07-28: a stream carries notifications and one result, never a request; the question comes as the result.
  server.registerTool('test_streaming_elicitation', { description: 'Sends notifications before its question' }, async ctx => {
    const name = acceptedContent(ctx.mcpReq.inputResponses, 'user_name', named)?.name;
    if (name !== undefined) {
      return text(`Hello, ${name}!`);
    }

    await progress(ctx, 0, 1);
    await delay(20);
    return inputRequired({ inputRequests: { user_name: inputRequired.elicit({ message: 'What is your name?', requestedSchema: named }) } });
  });
  server.registerTool('test_logging_tool', { description: 'Logs only for callers that asked for it' }, async ctx => {
    await ctx.mcpReq.log('info', 'test_logging_tool executed', 'conformance');
    return text('Logged, if the call asked for it');
  });
  server.registerTool('test_trigger_tool_change', { description: 'Adds a tool, or removes it again' }, () => {
    fixture.toggle('tool');
    return text('The list of tools changed');
  });
  server.registerTool('test_trigger_prompt_change', { description: 'Adds a prompt, or removes it again' }, () => {
    fixture.toggle('prompt');
    return text('The list of prompts changed');
  });
  server.registerTool('test_trigger_resource_change', { description: 'Changes test://watched-resource' }, async () => {
    await fixture.touch();
    return text('The resource changed');
  });
  return server.registerTool('test_added_tool', { description: 'Comes and goes' }, () => text('I am here'));
};
