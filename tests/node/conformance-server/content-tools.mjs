// Tools that only answer: every kind of content, progress, logging, errors, a rich schema, a closed stream.
import { setTimeout as delay } from 'node:timers/promises';
import { redPixelPng, silentWav } from './media.mjs';
import { fromJsonSchema, z } from './packages.mjs';

const stepMs = 50;
const answers = {
  test_simple_text: ['Returns one text block', { content: [{ type: 'text', text: 'This is a simple text response for testing.' }] }],
  test_image_content: ['Returns an image', { content: [{ type: 'image', data: redPixelPng, mimeType: 'image/png' }] }],
  test_audio_content: ['Returns audio', { content: [{ type: 'audio', data: silentWav, mimeType: 'audio/wav' }] }],
  test_embedded_resource: [
    'Returns an embedded resource',
    { content: [{ type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } }] },
  ],
  test_multiple_content_types: [
    'Returns text, an image and a resource',
    {
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: redPixelPng, mimeType: 'image/png' },
        { type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' } },
      ],
    },
  ],
  test_error_handling: ['Always fails', { isError: true, content: [{ type: 'text', text: 'This tool intentionally returns an error for testing' }] }],
};

const richSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: {
    name: { type: 'string' }, address: { $ref: '#/$defs/address' }, contactMethod: { type: 'string', enum: ['phone', 'email'] }, phone: { type: 'string' }, email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

/** A result of one text block. */
export const text = value => ({ content: [{ type: 'text', text: value }] });

/** Reports progress, where the caller asked for it. */
export const progress = async (ctx, done, total) => {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken !== undefined) {
    await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: done, total } });
  }
};

export const registerContentTools = server => {
  for (const [name, [description, result]] of Object.entries(answers)) {
    server.registerTool(name, { description }, () => result);
  }

  server.registerTool('test_tool_with_logging', { description: 'Logs three times while it runs' }, async ctx => {
    await ctx.mcpReq.log('info', 'Tool execution started', 'conformance');
    await delay(stepMs);
    await ctx.mcpReq.log('info', 'Tool processing data', 'conformance');
    await delay(stepMs);
    await ctx.mcpReq.log('info', 'Tool execution completed', 'conformance');
    return text('Tool with logging executed successfully');
  });
  server.registerTool('test_tool_with_progress', { description: 'Reports progress while it runs' }, async ctx => {
    for (const done of [0, 50, 100]) {
      await delay(done === 0 ? 0 : stepMs);
      await progress(ctx, done, 100);
    }

    return text('Tool with progress executed successfully');
  });

  // 2025-11-25 basic/transports: the server closes the stream, the client waits and fetches the answer with GET and Last-Event-ID. Elsewhere no stream can be closed.
  server.registerTool('test_reconnection', { description: 'Closes its stream before it answers' }, async ctx => {
    ctx.http?.closeSSE?.();
    await delay(stepMs);
    return text('Reconnection test completed');
  });
  server.registerTool('json_schema_2020_12_tool', { description: 'Tool with JSON Schema 2020-12 features', inputSchema: fromJsonSchema(richSchema) }, () => text('ok'));
  server.registerTool(
    'test_header_mirroring',
    { description: 'Has an argument that HTTP clients mirror into a header', inputSchema: z.object({ region: z.string().meta({ description: 'Any text', 'x-mcp-header': 'Region' }) }) },
    ({ region }) => text(`region: ${region}`));
};
