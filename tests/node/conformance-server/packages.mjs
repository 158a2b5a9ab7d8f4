// What the fixture uses of the npm packages that eng/install-node-tools.sh puts into artifacts/; a folder above this one has no node_modules.
export * from '../../../artifacts/node/node_modules/@modelcontextprotocol/server/dist/index.mjs';
export { StdioServerTransport, serveStdio } from '../../../artifacts/node/node_modules/@modelcontextprotocol/server/dist/stdio.mjs';
export {
  NodeStreamableHTTPServerTransport, localhostHostValidation, localhostOriginValidation, toNodeHandler,
} from '../../../artifacts/node/node_modules/@modelcontextprotocol/node/dist/index.mjs';
export { z } from '../../../artifacts/node/node_modules/zod/index.js';
