// Tools for multi round-trip requests (2026-07-28 basic/utilities/mrtr), each with the keys that the suite looks for.
import { text } from './content-tools.mjs';
import { CLIENT_CAPABILITIES_META_KEY, ProtocolError, ProtocolErrorCode, acceptedContent, inputRequired, inputResponse, z } from './packages.mjs';
import { sampledText, sampling } from './question-tools.mjs';

const named = z.object({ name: z.string() });
const coloured = z.object({ color: z.string() });
const agreed = z.object({ ok: z.boolean() });
const askName = () => inputRequired.elicit({ message: 'What is your name?', requestedSchema: named });
const nameOf = (ctx, key) => acceptedContent(ctx.mcpReq.inputResponses, key, named)?.name;
const ask = (inputRequests, requestState) => inputRequired({ inputRequests, requestState });

const rootsOf = ctx => {
  const view = inputResponse(ctx.mcpReq.inputResponses, 'client_roots');
  return view.kind === 'roots' ? view.roots.map(root => root.uri).join(', ') : undefined;
};

// What the caller declared: with the request itself, or before it at initialize.
const declaredBy = (server, ctx) => ctx.mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities() ?? {};

const requireState = (ctx, purpose) => {
  if (ctx.mcpReq.requestState() !== purpose) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'The requestState is missing or of another call; send back exactly what the last result carried.');
  }
};

export const registerInputRequiredTools = (server, fixture) => {
  const tool = (suffix, description, body) => server.registerTool(`test_input_required_result_${suffix}`, { description }, body);
  const confirm = (purpose, done) => async ctx => {
    if (acceptedContent(ctx.mcpReq.inputResponses, 'confirm', agreed) === undefined) {
      return ask({ confirm: inputRequired.elicit({ message: 'Please confirm', requestedSchema: agreed }) }, await fixture.states.mint(purpose));
    }

    requireState(ctx, purpose);
    return text(done);
  };

  tool('elicitation', 'Asks for a name', ctx => {
    const name = nameOf(ctx, 'user_name');
    return name === undefined ? ask({ user_name: askName() }) : text(`Hello, ${name}!`);
  });
  tool('sampling', "Asks the client's model", ctx => {
    const answer = sampledText(ctx, 'capital_question');
    return answer === undefined ? ask({ capital_question: sampling('What is the capital of France?', 100) }) : text(`The model says: ${answer}`);
  });
  tool('list_roots', "Asks for the client's roots", ctx => {
    const roots = rootsOf(ctx);
    return roots === undefined ? ask({ client_roots: inputRequired.listRoots() }) : text(`Roots: ${roots}`);
  });
  tool('request_state', 'Asks with a signed state', confirm('request_state', 'state-ok'));
  tool('tampered_state', 'Refuses a state that was changed', confirm('tampered_state', 'integrity-ok'));
  tool('multiple_inputs', 'Asks three questions at once', async ctx => {
    const [name, greeting, roots] = [nameOf(ctx, 'user_name'), sampledText(ctx, 'greeting'), rootsOf(ctx)];
    if (name === undefined || greeting === undefined || roots === undefined) {
      const questions = { user_name: askName(), greeting: sampling('Generate a greeting', 50), client_roots: inputRequired.listRoots() };
      return ask(questions, await fixture.states.mint('multiple_inputs'));
    }

    requireState(ctx, 'multiple_inputs');
    return text(`${greeting} ${name}, your roots are ${roots}`);
  });

  // The answers of a round come back only once, so the first one travels inside the state.
  tool('multi_round', 'Asks in two rounds', async ctx => {
    const first = ctx.mcpReq.requestState();
    const name = nameOf(ctx, 'step1');
    if (first !== undefined && name !== undefined) {
      const question = inputRequired.elicit({ message: 'Step 2: What is your favorite color?', requestedSchema: coloured });
      return ask({ step2: question }, await fixture.states.mint({ name }));
    }

    const color = acceptedContent(ctx.mcpReq.inputResponses, 'step2', coloured)?.color;
    return first?.name !== undefined && color !== undefined
      ? text(`${first.name} likes ${color}`)
      : ask({ step1: inputRequired.elicit({ message: 'Step 1: What is your name?', requestedSchema: named }) }, await fixture.states.mint({}));
  });
  tool('capabilities', 'Asks only what the client can answer', ctx => {
    const answered = Object.keys(ctx.mcpReq.inputResponses ?? {});
    if (answered.length > 0) {
      return text(`Answered: ${answered.sort().join(', ')}`);
    }

    const declared = declaredBy(server, ctx);
    const questions = {
      ...declared.elicitation && { user_name: askName() },
      ...declared.sampling && { greeting: sampling('Generate a greeting', 50) },
      ...declared.roots && { client_roots: inputRequired.listRoots() },
    };
    return Object.keys(questions).length === 0 ? text('The client declares nothing that could be asked') : ask(questions);
  });
};
