import type { NextConfig } from 'next';

const config: NextConfig = {
  // Loaded from node_modules by Node itself, as in the worker.
  serverExternalPackages: ['@ojs-ts/sdk'],
};

export default config;
