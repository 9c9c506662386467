# Three steps: the page, the binary that embeds it, and an image with little more than that binary.

FROM node:22-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN --mount=type=cache,target=/npm-cache npm ci --cache /npm-cache --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM rust:1.95-slim-bookworm AS build
# aws-lc (TLS) and SQLite are compiled from source.
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ libc6-dev cmake \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
COPY --from=web /src/web/dist web/dist
# The caches are not part of the layer, so the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin balie && cp target/release/balie /balie

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Balie" \
      org.opencontainers.image.description="A self-hosted webcare inbox: every channel in one queue, answered once" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin balie \
 && install -d -o balie -g balie -m 0700 /data
COPY --from=build /balie /usr/local/bin/balie
USER 10001:10001
ENV BALIE_LISTEN=0.0.0.0:8080 BALIE_DATA=/data
VOLUME /data
EXPOSE 8080
# bash's own sockets: curl would be the largest thing in the image after the binary.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health/live HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ code _ <&3 && [ \"$code\" = 200 ]"]
# Balie stops on SIGTERM by itself: it hands back its leases and lets running replies end.
STOPSIGNAL SIGTERM
ENTRYPOINT ["balie"]
CMD ["serve"]
