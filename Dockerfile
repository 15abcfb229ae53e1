# syntax=docker/dockerfile:1
# The server and the ojs command. Node runs the TypeScript sources directly.
FROM node:24-bookworm-slim AS manifests
WORKDIR /app
# npm reads the manifest of every workspace.
COPY package.json package-lock.json .npmrc ./
COPY packages/core/package.json packages/core/
COPY packages/server/package.json packages/server/
COPY packages/dashboard/package.json packages/dashboard/
COPY packages/cli/package.json packages/cli/
COPY packages/create/package.json packages/create/
COPY packages/docs/package.json packages/docs/
COPY packages/sdk/package.json packages/sdk/
COPY conformance/package.json conformance/
COPY examples/package.json examples/
COPY examples/openapi/package.json examples/openapi/
COPY lab/package.json lab/

# Builds the pages of the dashboard. The bundler has its program for this platform in an optional dependency.
FROM manifests AS pages
RUN npm ci --ignore-scripts --workspace packages/dashboard
COPY packages/core/src packages/core/src
COPY packages/dashboard packages/dashboard
COPY tsconfig.json ./
COPY scripts/dashboard.ts scripts/
RUN node scripts/dashboard.ts

# Installs only what the command needs.
FROM manifests AS dependencies
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspace packages/cli

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="ojs-ts" \
      org.opencontainers.image.description="Open Job Spec server" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY packages/core/package.json packages/core/
COPY packages/core/src packages/core/src
COPY packages/dashboard/package.json packages/dashboard/
COPY packages/dashboard/src packages/dashboard/src
COPY --from=pages /app/packages/dashboard/public packages/dashboard/public
COPY packages/server/package.json packages/server/
COPY packages/server/src packages/server/src
COPY packages/server/sql packages/server/sql
COPY packages/server/lua packages/server/lua
COPY packages/cli/package.json packages/cli/
COPY packages/cli/src packages/cli/src
COPY packages/cli/templates packages/cli/templates
RUN mkdir /data && chown node:node /data

# On this address the server needs OJS_TOKEN, or OJS_INSECURE=true. Without one of them the server prints an error and exits.
ENV NODE_ENV=production \
    OJS_HOST=0.0.0.0 \
    OJS_PORT=8080 \
    OJS_STORAGE=sqlite:/data/ojs.db
USER node
VOLUME /data
EXPOSE 8080
# On SIGTERM the server answers accepted requests for up to 10 s and closes the storage.
STOPSIGNAL SIGTERM
# 200 while the storage answers. Override this check for a server with a self-signed certificate.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.OJS_PORT}/ojs/v1/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# A young generation of at most 48 MiB: docs/operate/sizing.md.
ENTRYPOINT ["node", "--max-semi-space-size=16", "packages/cli/src/main.ts"]
CMD ["serve"]
