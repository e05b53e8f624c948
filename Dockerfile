# The image holds one static binary and nothing else: no shell, no libc, no package.
#
#   docker build -t dockgate .
#
# RUST_IMAGE is any Debian-based image with cargo and gcc.
ARG RUST_IMAGE=rust:1-slim-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --release --locked --bin dockgate --target "$target" \
 && cp "target/$target/release/dockgate" /dockgate

FROM scratch
LABEL org.opencontainers.image.title="dockgate" \
      org.opencontainers.image.description="The gate in front of the Docker socket" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /dockgate /dockgate
ENV LISTEN=:2375
EXPOSE 2375
ENTRYPOINT ["/dockgate"]
