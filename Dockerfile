# The image holds one static binary and a link to it: no shell, no libc, no package.
#
#   docker build -t dockgate .      compiles in RUST_IMAGE, any Debian-based image with cargo and gcc
#   make image                      compiles on this machine and asks no registry (--target prebuilt)
ARG RUST_IMAGE=rust:1-slim-bookworm

# It starts as root, to open a socket of whatever group, and gives that up by itself.
FROM scratch AS base
LABEL org.opencontainers.image.title="dockgate" \
      org.opencontainers.image.description="The gate in front of the Docker socket" \
      org.opencontainers.image.documentation="README.md" \
      org.opencontainers.image.licenses="MIT"
# /bin/wget, a link to the binary: compose files check health with it.
COPY image/ /
ENV LISTEN=:2375
EXPOSE 2375
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s --retries=3 CMD ["/dockgate", "healthcheck"]
ENTRYPOINT ["/dockgate"]

FROM base AS prebuilt
# A static binary, by its path in the context.
ARG BINARY=target/image/dockgate
COPY ${BINARY} /dockgate

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --release --locked --bin dockgate --target "$target" \
 && cp "target/$target/release/dockgate" /dockgate

FROM base
COPY --from=build /dockgate /dockgate
