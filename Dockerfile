# The image of a server: docker build --tag aftermap . && docker run --publish 8080:8080 --volume aftermap:/data aftermap
# Three steps: the front end, the binary with the front end in it, and a small image that holds only the binary.

FROM node:22-bookworm AS web
WORKDIR /build/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM rust:1.95-bookworm AS binary
WORKDIR /build
# The dependencies first, with an empty program: this layer stays valid until Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
RUN mkdir src && echo 'fn main() {}' >src/main.rs && touch src/lib.rs && cargo build --release --locked && rm -r src
COPY build.rs ./
COPY migrations migrations
COPY src src
COPY web/src/design/tokens.css web/src/design/tokens.css
COPY --from=web /build/web/dist web/dist
# cargo goes by the time of change, and the empty program is younger than the sources.
RUN touch src/main.rs src/lib.rs && REQUIRE_WEB=1 cargo build --release --locked

FROM debian:bookworm-slim
RUN useradd --no-log-init --uid 10001 --home-dir /data --shell /usr/sbin/nologin aftermap \
    && mkdir --mode=700 /data && chown aftermap /data
# Whom to believe where the server asks others over TLS: storage of pictures, hosts of ready tiles.
COPY --from=binary /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=binary /build/target/release/aftermap /usr/local/bin/aftermap
COPY LICENSE-MIT LICENSE-APACHE docs/operations.md /usr/share/doc/aftermap/
USER 10001
WORKDIR /data
VOLUME /data
ENV AFTERMAP_DATA_DIR=/data AFTERMAP_LISTEN=0.0.0.0:8080
EXPOSE 8080
# The server finishes what is under way first.
STOPSIGNAL SIGTERM
# In bash's own words, so that the image needs no HTTP client. Where the server itself speaks TLS this cannot be asked: then
# run with --no-healthcheck, or let the proxy look.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${AFTERMAP_LISTEN##*:} && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["aftermap"]
CMD ["serve"]
